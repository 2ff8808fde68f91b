"""What does every lecture assume? The vocabulary that the ideas are written in.

types, seeding, networks, returns, rollout, evaluation, task_family, playback, progress of a run. numpy and torch only.
"""
