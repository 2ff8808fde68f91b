"""What does every lecture assume? The vocabulary that the ideas are written in.

types, seeding, task_family, networks, returns, rollout, replay, evaluation, playback. tabular: exact
maximum-entropy RL in small worlds, and tabular_correction between two of them. domains: labelled data of
two domains.
"""
