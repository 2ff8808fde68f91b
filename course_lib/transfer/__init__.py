"""What if the world has changed since training?

epopt: train on many worlds, keep the worst. epopt_adaptation: then find out which world this is.
"""
