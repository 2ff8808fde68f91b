"""Keep trials of a whole training, for what can be learned from the trials of any policy.

Source: Vitter, "Random Sampling with a Reservoir", ACM Transactions on Mathematical Software 11(1), 1985.
"""

import numpy as np
import torch
from torch import Tensor

from course_lib.core.trials import Trials


class TrialReplay:
    """Keeps trials of the whole training, each as likely as any other to be among those that are kept.

    Early trials go everywhere, so they hold what the decoder cannot learn from a policy that knows its way.

    Args:
        capacity: trials that are kept, at least 1.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.seen = capacity, 0
        self._kept: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    def add(self, trials: Trials, rng: np.random.Generator) -> None:
        """Keeps some of the trials, in place of others once there is no more room.

        Args:
            trials: N of them, as long as those that were added before.
            rng: chooses.

        Raises:
            ValueError: they are longer or shorter.
        """
        steps, n = trials.valid.shape
        if not self._kept:
            self._kept = {
                name: value.new_empty(_over(value, name, self.capacity))
                for name, value in vars(trials).items()
            }
        if steps != len(self._kept["valid"]):
            raise ValueError(f"trials must all have {len(self._kept['valid'])} steps, got {steps}")
        number = self.seen + np.arange(n)
        place = np.where(number < self.capacity, number, rng.integers(number + 1))
        keep = np.flatnonzero(place < self.capacity)
        for name, value in vars(trials).items():
            self._kept[name][_at(name, place[keep])] = value[_at(name, keep)]
        self.seen += n

    def sample(self, n: int, rng: np.random.Generator) -> Trials:
        """Some of the trials that are kept, drawn with replacement."""
        index = rng.integers(len(self), size=n)
        return Trials(**{name: value[_at(name, index)] for name, value in self._kept.items()})


def _at(name: str, index: np.ndarray) -> tuple[slice | Tensor, ...]:
    # Trials stand side by side on the second axis, but for the memory with which they began.
    index = torch.as_tensor(index)
    return (index,) if name == "memory" else (slice(None), index)


def _over(value: Tensor, name: str, n: int) -> tuple[int, ...]:
    axis = len(_at(name, np.empty(0))) - 1
    return (*value.shape[:axis], n, *value.shape[axis + 1 :])
