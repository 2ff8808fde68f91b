"""When is invariance enough? Domain-adversarial training and MMD on turned digits and turned moons.

Measures what a model trained in the source domain knows of the target, with each way of hiding the
domain, and where hiding it hurts.

Axes: R seeds.
Source: the claims are those of Ganin et al., JMLR 2016, https://arxiv.org/abs/1505.07818, and Tzeng
et al., 2014, https://arxiv.org/abs/1412.3474.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from course_lib.core.domains import DomainPair, Labelled, turned_digits, turned_moons
from course_lib.core.seeding import seed_everything
from course_lib.transfer import dann
from course_lib.widgets import figures
from course_lib.zoo import store, tables

SEEDS = 5
FEW_CLASSES = range(5)
"""The digits that the target holds where the assumption is broken."""
SOURCE_ONLY = dann.DANNConfig(strength=0.0)
ADAPTED = dann.DANNConfig()
WAYS = {
    "source only": (SOURCE_ONLY, dann.adversarial),
    "MMD, linear kernel": (ADAPTED, dann.mean_discrepancy),
    "MMD, Gaussian kernel": (ADAPTED, dann.discrepancy),
    "DANN": (ADAPTED, dann.adversarial),
}
"""Settings and penalty, by name."""
CEILING = "target labels"
DIGITS = "digits turned by 20 degrees"
FEW = "digits as they are, target 0 to 4 only"
MOONS = "moons turned by 35 degrees"

NOTES = (
    "**How to read it.** First block: the assumption holds well enough. Second: the inputs are the same",
    "in both domains, but the target lacks the digits 5 to 9, so that no features which name the class",
    "can be distributed alike: DANN hurts. There, MMD with the linear kernel fails in another way: its",
    "features died in the one run that was looked into (label loss at log 10, the value of a guess, and a",
    "penalty of 0). That is training which broke down at this strength and step size, and no measure of",
    "what invariance costs. Third: the paper's picture.",
    "",
    "**What was tried first.** One draw of data each, looking at target labels: with Adam, DANN was below",
    "source only for blended backgrounds, glare and lifted brightness (at worst 25 % against 79 %) and",
    "mixed for turns and for a shift by one pixel; annealed descent with momentum, as in the paper,",
    "mended it for the turns and the shift, and was not tried on the others. Then a turn of 25 degrees,",
    "on seeds 0, 1, 3 and 4: source only 53, 58, 51 and 59 %, DANN 54, 72, 58 and 65 %, MMD with the",
    "linear kernel 67, 72, 68 and 70 %. The turn of 20 degrees was chosen after that, by seeds 100 and",
    "101 (67 and 62 % without, 86 and 74 % with DANN): it is a shift on which the method works, not a",
    "typical one. A target of 0 to 4 only that is turned by 25 degrees does not hurt DANN (seeds 0 and 3:",
    "50 to 57 %, 53 to 68 %).",
    "",
    "The picture shows seed 3 of the moons; the others are in the table and in the JSON.",
)
"""What the table cannot say."""


def digit_model() -> dann.Model:
    """The model for 64 pixels and ten digits."""
    return dann.Model(64, 10)


def moon_model() -> dann.Model:
    """The model for points of two classes: small, as the paper's."""
    return dann.Model(2, 2, hidden=(15, 15), domain_hidden=(15,))


def trained(model: dann.Model, pair: DomainPair, way: str, rng: np.random.Generator) -> dann.Model:
    """The model, trained in one of the `WAYS`, or on the target's labels (the ceiling)."""
    labelled = pair.target if way == CEILING else pair.source
    config, penalty = WAYS.get(way, WAYS["source only"])
    for _ in dann.train(
        model, labelled.inputs, labelled.labels, pair.target.inputs, config, rng, penalty=penalty
    ):
        pass
    return model


def accuracy(model: dann.Model, data: Labelled) -> float:
    """Share of the data that the model names rightly, in percent."""
    return 100.0 * dann.accuracy(model, data.inputs, data.labels)


def measured(seed: int) -> Iterator[tuple[str, str, float]]:
    """Everything for one seed: condition, way and accuracy on new data of the target in percent."""
    same = turned_digits(seed_everything(seed), degrees=0.0)
    few = replace(same, target=same.target.only(FEW_CLASSES), target_test=same.target_test.only(FEW_CLASSES))
    ends = ["source only", "DANN", CEILING]
    conditions = {
        DIGITS: (turned_digits(seed_everything(seed)), digit_model, [*WAYS, CEILING]),
        FEW: (few, digit_model, ["source only", "MMD, linear kernel", "DANN", CEILING]),
        MOONS: (turned_moons(seed_everything(seed)), moon_model, ends),
    }
    for condition, (pair, make, ways) in conditions.items():
        for way in ways:
            rng = seed_everything(seed)  # the same start and the same source batches for every way
            yield condition, way, accuracy(trained(make(), pair, way, rng), pair.target_test)


def as_markdown(rows: list[tuple[int, str, str, float]]) -> str:
    """The table of all conditions and ways: mean over seeds with its 95 % bootstrap interval."""
    lines = [
        "# When invariance is enough, and when it hurts",
        "",
        "Made by `course reproduce dann`. Accuracy on new data of the target in",
        f"percent: mean over {len({row[0] for row in rows})} seeds, with the 95 % bootstrap interval.",
        f'Only "{CEILING}" sees a label of the target.',
        "",
    ]
    header = ["domains", "method", "target accuracy (%)", "gain on source only (points)", "seeds that gained"]
    body = []
    rng = np.random.default_rng(0)
    for condition in dict.fromkeys(row[1] for row in rows):
        before = _over_seeds(rows, condition, "source only")
        for way in dict.fromkeys(row[2] for row in rows if row[1] == condition):
            scores = _over_seeds(rows, condition, way)
            gain = scores - before
            cells = [condition, way, tables.over_seeds(scores, rng, digits=1), "-", "-"]
            if way != "source only":
                cells[3:] = tables.over_seeds(gain, rng, digits=1), f"{(gain > 0).sum()} of {len(gain)}"
            body.append(cells)
    return "\n".join([*lines, *tables.table(header, body), "", *NOTES, ""])


def write(rows: list[tuple[int, str, str, float]], folder: Path) -> None:
    """Puts dann.md, dann.json and dann.png into a folder.

    Args:
        rows: as `measured` yields them, with the seed before each.
        folder: exists.
    """
    store.write_here(folder / "dann.md", as_markdown(rows).encode())
    keys = ("seed", "domains", "method", "accuracy_percent")
    numbers = [dict(zip(keys, row, strict=True)) for row in rows]
    store.write_here(folder / "dann.json", (json.dumps(numbers, indent=1) + "\n").encode())
    picture = io.BytesIO()
    figures.boundary_figure(moons_panels(seed=3)).savefig(picture, format="png", dpi=90)
    store.write_here(folder / "dann.png", picture.getvalue())


def moons_panels(seed: int) -> dict[str, tuple]:
    """What the source alone teaches of the moons, and what DANN does: what to draw, by title."""
    panels = {}
    for way in ("source only", "DANN"):
        pair = turned_moons(seed_everything(seed))
        model = trained(moon_model(), pair, way, seed_everything(seed))
        panels[f"{way}: {accuracy(model, pair.target_test):.0f} % of the target right"] = (
            lambda points, model=model: dann.class_probabilities(model, points)[:, 1],
            (pair.source_test.inputs.numpy(), pair.source_test.labels.numpy()),
            pair.target_test.inputs.numpy(),
        )
    return panels


def _over_seeds(rows: list[tuple[int, str, str, float]], condition: str, way: str) -> np.ndarray:
    """Accuracy by seed [R], in the order of the seeds."""
    return np.array([row[3] for row in sorted(rows) if row[1:3] == (condition, way)])
