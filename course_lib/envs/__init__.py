"""Worlds, and families of worlds: where does what an agent learns have to hold?

In teaching order:

* `hopper`: a robot on one leg that falls when its physics is not what it was trained for.
* `half_cheetah`: a runner that does not fall, only slows down.
* `half_cheetah_tasks`: the same runner, told at which velocity or in which direction to run.
* `gridworld`: a room of cells whose dynamics are known exactly.
* `related_grids`: a room that is learned, and four others that differ from it in one thing each.
* `point`: a mass on the plane with one motor more than it needs, of which one may be broken.
* `arm`: three joints where two would do, and one of them wired the wrong way.
* `reacher`: the same arm, whose fingertip is to come to wherever it is told.
* `puck`: a striker, and a puck that should slide to a commanded place.
* `bit_flip`: a row of bits and a pattern, where a sparse reward is never seen by chance.
* `rooms`: a point in two rooms, asked to come to any place.
* `bandits`: arms of which nobody says how well they pay.
* `key_door`: a key, a door and a skull: easy for those who know what the pictures mean.
* `random_mdp`: small tables of states and actions, all of them drawn by chance.
* `grid_navi`: a small grid where one cell pays and nobody says which; what can be earned is known exactly.
* `grid_navi_beliefs`: that optimum, and posterior sampling, which does not reach it.
* `navigation`: a point on the plane that is not told where to go, only how far it still is.
* `direction`: a point on the plane that is paid for going one way, which two steps give away.
* `maze`: walls and goal differ from task to task, and only the next corridors are seen.
* `maze_layouts`: how its mazes are dug.
* `recorded_paths`: where each simulation of such a world went, for a picture of it.
* `locomotion`: what the robots that run share: start states, predictions, divergence.
* `episodes`: what all of them share: parameters per simulation, seeds, time limits, autoreset.
* `physics`: how each simulation of a batch gets its own mass, friction, damping and armature.
* `single_world`: one simulation behind Gymnasium's plain interface.

Importing this room registers the worlds with Gymnasium, single and batched, as `course/Hopper-v0` and so on.
"""

from gymnasium.envs.registration import register

for _name, _module, _steps in (
    ("Hopper", "hopper", 1000),
    ("HalfCheetah", "half_cheetah", 1000),
    ("HalfCheetahVelocity", "half_cheetah_tasks", 200),
    ("HalfCheetahDirection", "half_cheetah_tasks", 200),
    ("Point", "point", 30),
    ("Arm", "arm", 50),
    ("BitFlip", "bit_flip", 8),
    ("Rooms", "rooms", 50),
    ("Reacher", "reacher", 50),
    ("Puck", "puck", 40),
    ("GridNavi", "grid_navi", 15),
    ("Navigation", "navigation", 20),
    ("Direction", "direction", 20),
    ("Maze", "maze", 30),
    ("Bandit", "bandits", 1),
    ("DependentBandit", "bandits", 1),
    ("RandomMDP", "random_mdp", 10),
):
    register(
        id=f"course/{_name}-v0",
        entry_point=f"course_lib.envs.{_module}:{_name}Env",
        vector_entry_point=f"course_lib.envs.{_module}:{_name}VectorEnv",
        max_episode_steps=_steps,
    )
