"""Many tasks, and I am told which: what can one policy do?

contextual: the task is part of the state, and one network learns all of them. goal_conditioned: the task is a
state to reach, and what was reached instead teaches, too. c_learning: will it be reached? Ask a classifier.
"""
