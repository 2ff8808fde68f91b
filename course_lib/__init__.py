"""An interactive course on transfer learning and meta-reinforcement learning that runs on a laptop.

Rooms, in the order of the lecture: core, envs, agents, transfer, multitask, meta; then widgets, grading
and zoo. Nothing is re-exported: import from the room, as in `from course_lib.transfer.epopt import train`.
"""

__version__ = "0.1.0"
