"""Many tasks, and I must find out which: what is learned when learning to learn?

In teaching order:
    supervised: a network that reads a training set, f(D_train, x).
    prototypes: the same for a few classes, with one point for each.
    rl2: a recurrent policy, trained on whole trials, finds out by acting.
    snail: the same with attention and temporal convolutions as its memory.
    maml: gradient descent as the learner, from a start that was trained for it.
    estimators: what a policy-gradient step must look like, if it is to be differentiated again.
    maml_rl: the same for policies, where the data hang on the parameters too.
    belief: the task as a hidden variable, inferred exactly; belief_optimum: the best that can be done then.
    pearl: a Gaussian belief of it, learned off-policy; act on a sample, and believe better.
    varibad: a recurrent belief of it, learned by predicting; act on all that is believed.
"""
