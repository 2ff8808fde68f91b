"""What does every lecture assume? The vocabulary that the ideas are written in.

types, seeding, task_family, networks, returns, rollout, evaluation, playback.
"""
