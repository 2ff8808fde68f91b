"""Worlds, and families of worlds: where does what an agent learns have to hold?

In teaching order:

* `hopper`: a robot on one leg that falls when its physics is not what it was trained for.
* `half_cheetah`: a runner that does not fall, only slows down.
* `locomotion`: what the two share: episodes, start states, autoreset, divergence.
* `physics`: how each simulation of a batch gets its own mass, friction, damping and armature.
* `single_world`: one simulation behind Gymnasium's plain interface.

Importing this room registers the worlds with Gymnasium as `course/Hopper-v0` and
`course/HalfCheetah-v0`, single and batched.
"""

from gymnasium.envs.registration import register

for _name, _module in (("Hopper", "hopper"), ("HalfCheetah", "half_cheetah")):
    register(
        id=f"course/{_name}-v0",
        entry_point=f"course_lib.envs.{_module}:{_name}Env",
        vector_entry_point=f"course_lib.envs.{_module}:{_name}VectorEnv",
        max_episode_steps=1000,
    )
