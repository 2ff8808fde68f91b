"""What does every lecture assume? The vocabulary that the ideas are written in.

types, seeding, task_family, networks, memory, returns, rollout, replay, evaluation, playback. tabular: exact
maximum-entropy RL in small worlds, and tabular_correction between two of them; tabular_trajectories: all that
can happen in tiny ones. domains: labelled data of two domains; few_shot: tasks of a few examples. trials:
episodes of one task with one memory. per_task and per_task_policy: parameters of their own for each task;
linear_baseline: what is usual in each. gaussian_belief: what evidence says of a hidden variable; task_replay:
what happened in each task; latent_policy and belief_policy: policies that act on a sample of it, or on all
that is believed. goals and episode_replay: what hindsight needs.
"""
