"""What if the world has changed since training?

dann: hide from the features which domain they come from; right where the difference is irrelevant. darc:
where it is the dynamics that differ, pay the policy for going where both worlds agree.
epopt: train on many worlds, keep the worst. epopt_adaptation: then find out which world this is.
stored_knowledge: carry only values, a policy, a model or features. knowledge_trial: what each is worth there.
"""
