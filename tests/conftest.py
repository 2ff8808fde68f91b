"""Small networks on many cores are slower than on one: the threads are the physics'."""

import pytest
import torch

from course_lib.core.rollout import Transitions

torch.set_num_threads(1)


@pytest.fixture
def walks():
    """Makes episodes on the line, by their lengths, for tests of memories."""
    return _walks


def _walks(lengths: list[int], steps: int, ended_by_goal: list[bool]) -> Transitions:
    """Simulation n is at 100 n + t and wants 7 + n; what comes after an end, -1, must not be used."""
    n = len(lengths)
    t, which = torch.arange(steps).float()[:, None], torch.arange(n).float()[None]
    place, wanted = 100.0 * which + t, torch.full((steps, n), 7.0) + which
    valid = t < torch.tensor(lengths)
    wanted = torch.where(valid, wanted, -1.0)
    obs = torch.stack([torch.where(valid, place, -1.0), wanted], dim=-1)
    next_obs = torch.stack([torch.where(valid, place + 1, -1.0), wanted], dim=-1)
    last = t == torch.tensor(lengths) - 1
    return Transitions(
        obs=obs,
        action=torch.where(valid, place, -1.0)[..., None],
        reward=-torch.ones(steps, n),
        next_obs=next_obs,
        terminated=last & torch.tensor(ended_by_goal),
        ended=last,
        valid=valid,
    )
