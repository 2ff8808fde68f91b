"""Many tasks, and I must find out which: what is learned when learning to learn?

In teaching order:
    supervised: a network that reads a training set, f(D_train, x).
    prototypes: the same for a few classes, with one point for each.
    rl2: a recurrent policy, trained on whole trials, finds out by acting.
    snail: the same with attention and temporal convolutions as its memory.
"""
