"""Weights on disk: safetensors beside a JSON card, and a hash that ties the two together.

Source: https://github.com/huggingface/safetensors (loading it runs no code).
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from course_lib.core.belief_policy import BeliefPolicy, PlaceRewards, StateRewards
from course_lib.core.latent_policy import LatentPolicy
from course_lib.core.memory import GRUMemory, LSTMMemory, MemoryPolicy
from course_lib.core.networks import ActorCritic, GaussianPolicy, SquashedGaussianPolicy, TwinQ, mlp
from course_lib.core.spelling import nearest
from course_lib.core.whole_files import write_whole
from course_lib.meta.maml import GradientClassifier, GradientLearner
from course_lib.meta.maml_rl import AdaptivePolicy
from course_lib.meta.prototypes import PrototypeLearner
from course_lib.meta.snail import SnailMemory
from course_lib.meta.supervised import RecurrentLearner, SetLearner

FORMAT = 1
"""Version of the card; a file of another version is refused."""


NETWORKS = {
    "gaussian": GaussianPolicy,
    "squashed_gaussian": SquashedGaussianPolicy,
    "actor_critic": ActorCritic,
    "latent_policy": LatentPolicy,
    "memory": MemoryPolicy,
    "belief_policy": BeliefPolicy,
    "recurrent_learner": RecurrentLearner,
    "set_learner": SetLearner,
    "prototype_learner": PrototypeLearner,
    "adaptive_policy": AdaptivePolicy,
    "gradient_learner": GradientLearner,
    "gradient_classifier": GradientClassifier,
}
"""Policies that can be stored, by the word that their card has for them; without one it is "gaussian"."""

Policy = GaussianPolicy | SquashedGaussianPolicy | ActorCritic | MemoryPolicy
"""One of them."""


def folder() -> Path:
    """Where the weights that come with the course lie."""
    return Path(__file__).parent


class ZooError(ValueError):
    """Weights that are missing, damaged or of another version."""


def write_here(path: Path, content: bytes) -> None:
    """Writes a file of the zoo whole or not at all.

    Raises:
        ZooError: the place cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise ZooError(
            f"cannot write {path}: {error.strerror}; choose a folder of your own with --out"
        ) from error


def store(stem: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Writes `stem`.safetensors and `stem`.json; weights first, so that a card always has its weights.

    Args:
        stem: path without a suffix.
        tensors: what to keep.
        card: how it was trained and what it scores; format, sha256 and versions are added.

    Raises:
        ZooError: the place cannot be written.
    """
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    card = {
        "format": FORMAT,
        **card,
        "versions": {name: version(name) for name in ("torch", "mujoco", "gymnasium", "numpy")},
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_here(_file(stem, "safetensors"), content)
    write_here(_file(stem, "json"), (json.dumps(card, indent=1) + "\n").encode())


def store_policy(stem: Path, policy: nn.Module, card: Mapping[str, Any]) -> None:
    """Writes a policy as `store` does; its card says which network it is.

    Raises:
        ZooError: the network is none of NETWORKS or a SNAIL whose window its weights do not tell, or the
            place cannot be written.
    """
    if isinstance(policy, MemoryPolicy) and isinstance(policy.memory, SnailMemory):
        length = policy.memory.length
        if length & (length - 1):
            raise ZooError(f"a SNAIL of the zoo looks back over 16, 32, 64 ... steps, got {length}")
    for network, kind in NETWORKS.items():
        if type(policy) is kind:
            return store(stem, policy.state_dict(), {**card, "network": network})
    raise ZooError(f"policy must be one of {', '.join(NETWORKS)}, got {type(policy).__name__}")


def read(stem: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads weights and card and checks that they belong together.

    Args:
        stem: path without a suffix.

    Raises:
        ZooError: a file is missing, damaged, or of another version.
    """
    card = read_card(stem)
    path = _file(stem, "safetensors")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ZooError(f"{path.name} is missing beside its card; restore it with git checkout") from None
    if hashlib.sha256(content).hexdigest() != card.get("sha256"):
        raise ZooError(f"{path.name} is damaged: its hash is not the card's; restore it with git checkout")
    try:
        return load(content), card
    except SafetensorError as error:
        raise ZooError(f"{path.name} is not a safetensors file ({error}); train it again") from None


def read_card(stem: Path) -> dict[str, Any]:
    """Reads the card alone.

    Raises:
        ZooError: it is missing, damaged, or of another version.
    """
    path = _file(stem, "json")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ZooError(f"no weights at {stem}: {path.name} does not exist") from None
    except ValueError:
        raise ZooError(f"{path.name} is damaged: it is not JSON; restore it with git checkout") from None
    if card.get("format") != FORMAT:
        raise ZooError(
            f"{path.name} has format {card.get('format')}, this course reads format {FORMAT}; train it again"
        )
    return card


def names() -> list[str]:
    """Names of all weights that come with the course, such as "epopt/hopper-mass3-seed0"."""
    return sorted(
        p.relative_to(folder()).as_posix().removesuffix(".safetensors")
        for p in folder().rglob("*.safetensors")
    )


def scores(idea: str, world: str, recipe: str) -> dict[str, float]:
    """Mean return of each seed of a recipe, as its card says, by name and in the order of the seeds.

    Args:
        idea: such as "epopt".
        world: such as "hopper".
        recipe: such as "eps0.1".

    Raises:
        ZooError: the zoo holds no weights of it.
    """
    known: dict[str, dict[int, str]] = {}
    for name in names():
        kind, _, seed = name.rpartition("-seed")
        known.setdefault(kind, {})[int(seed)] = name
    kind = f"{idea}/{world}-{recipe}"
    if kind not in known:
        raise ZooError(f"no weights of {kind!r} in the zoo: {nearest(kind, known)}")
    in_order = (known[kind][seed] for seed in sorted(known[kind]))
    return {name: float(read_card(folder() / name)["return_mean"]) for name in in_order}


def best(idea: str, world: str, recipe: str) -> str:
    """Name of the seed whose card has the best mean return; what `load_policy` takes.

    Raises:
        ZooError: the zoo holds no weights of it.
    """
    found = scores(idea, world, recipe)
    return max(found, key=found.get)


def policies(idea: str, world: str, recipe: str) -> dict[int, Policy]:
    """All trained policies of a recipe, by their seed and in its order; do not train them, copy them first.

    Raises:
        ZooError: the zoo holds no weights of it.
    """
    return {read_card(folder() / name)["seed"]: load_policy(name) for name in scores(idea, world, recipe)}


@cache
def load_policy(name: str) -> Policy:
    """A trained policy by its name, such as "epopt/hopper-eps1.0-seed0"; do not train it, copy it first.

    Raises:
        ZooError: there are no such weights, or they are damaged or of another version.
    """
    if name not in names():
        raise ZooError(f"no weights called {name!r}: {nearest(name, names())}")
    return policy_from(folder() / name)


def policy_from(stem: Path) -> Policy:
    """A trained policy from files outside the zoo, such as those of `course train`.

    Args:
        stem: path without a suffix.

    Raises:
        ZooError: the files are missing, damaged, of another version or hold another network.
    """
    tensors, card = read(stem)
    network = card.get("network", "gaussian")
    if network not in NETWORKS:
        raise ZooError(f"{stem.name} holds a network {network!r}: {nearest(network, NETWORKS)}")
    try:
        policy = _EMPTY[network](tensors)
        policy.load_state_dict(tensors)
    except (KeyError, IndexError, RuntimeError) as error:
        raise ZooError(f"{stem.name} does not hold a {network} policy: {error}") from None
    return policy.requires_grad_(False).eval()


def _empty_gaussian(tensors: Mapping[str, Tensor]) -> GaussianPolicy:
    obs_size, *hidden, action_size = _layers(tensors, "mean")
    return GaussianPolicy(obs_size, action_size, hidden)


def _empty_adaptive_policy(tensors: Mapping[str, Tensor]) -> AdaptivePolicy:
    obs_size, *hidden, action_size = _layers(tensors, "policy.mean")
    return AdaptivePolicy(GaussianPolicy(obs_size, action_size, hidden))


def _empty_squashed(tensors: Mapping[str, Tensor], part: str = "net") -> SquashedGaussianPolicy:
    # Mean and deviation of each action come out of one network.
    obs_size, *hidden, outputs = _layers(tensors, part)
    return SquashedGaussianPolicy(obs_size, outputs // 2, hidden)


def _empty_actor_critic(tensors: Mapping[str, Tensor]) -> ActorCritic:
    policy = _empty_squashed(tensors, "policy.net")
    numbers = range(sum(name.startswith("critics.weights.") for name in tensors) - 1)
    hidden = [tensors[f"critics.weights.{number}"].shape[2] for number in numbers]
    return ActorCritic(policy, TwinQ(policy.obs_size, policy.action_size, hidden))


def _empty_latent_policy(tensors: Mapping[str, Tensor]) -> LatentPolicy:
    told, *hidden, outputs = _layers(tensors, "policy.net")
    obs_size = len(tensors["obs_norm.mean"])
    return LatentPolicy(obs_size, outputs // 2, told - obs_size, tuple(hidden))


def _empty_memory(tensors: Mapping[str, Tensor]) -> MemoryPolicy:
    if "memory.cell.weight_hh" in tensors:  # a GRU has three gates, an LSTM four
        gates, hidden = tensors["memory.cell.weight_hh"].shape
        memory = partial({3: GRUMemory, 4: LSTMMemory}[gates // hidden], hidden=hidden)
    else:  # SNAIL, as it comes to the zoo with a window of a power of two
        layers = sum(name.endswith("taps.weight") for name in tensors)
        filters = len(tensors["memory.blocks.0.taps.bias"]) // 2
        memory = partial(SnailMemory, hidden=filters, length=2**layers)
    obs_size, action_size = len(tensors["obs_norm.mean"]), len(tensors["action.0.bias"])
    return MemoryPolicy(obs_size, action_size, "log_std" not in tensors, memory)


def _empty_belief_policy(tensors: Mapping[str, Tensor]) -> BeliefPolicy:
    obs_size, action_size = len(tensors["obs_norm.mean"]), len(tensors["action.0.bias"])
    told, hidden, *_, outputs = _layers(tensors, "decoder.net")
    if "decoder.log_std" in tensors:  # rewards of any size, from z and a state
        latent, decoder = told - obs_size, lambda z, units: StateRewards(z, obs_size, units)
    else:  # from z, whether each place pays
        latent, decoder = told, lambda z, units: PlaceRewards(z, outputs, units)
    return BeliefPolicy(obs_size, action_size, "log_std" not in tensors, decoder, latent, hidden)


def _empty_recurrent_learner(tensors: Mapping[str, Tensor]) -> RecurrentLearner:
    point = tensors["memory.cell.weight_ih"].shape[1]
    *_, hidden, output_size = _layers(tensors, "head")
    return RecurrentLearner(point - output_size, output_size, hidden)


def _empty_set_learner(tensors: Mapping[str, Tensor]) -> SetLearner:
    point, *_ = _layers(tensors, "point")
    *_, hidden, output_size = _layers(tensors, "head")
    return SetLearner(point - output_size, output_size, hidden)


def _empty_prototype_learner(tensors: Mapping[str, Tensor]) -> PrototypeLearner:
    input_size, *_, hidden = _layers(tensors, "point")
    return PrototypeLearner(input_size, hidden)


def _empty_gradient_learner(
    tensors: Mapping[str, Tensor], kind: type[GradientLearner] = GradientLearner
) -> GradientLearner:
    # What a tensor cannot tell: the zoo's have ReLU between their layers, and take one step unless asked.
    return kind(mlp(_layers(tensors, "net"), activation=nn.ReLU))


_EMPTY = {
    "gaussian": _empty_gaussian,
    "squashed_gaussian": _empty_squashed,
    "actor_critic": _empty_actor_critic,
    "latent_policy": _empty_latent_policy,
    "memory": _empty_memory,
    "belief_policy": _empty_belief_policy,
    "recurrent_learner": _empty_recurrent_learner,
    "set_learner": _empty_set_learner,
    "prototype_learner": _empty_prototype_learner,
    "adaptive_policy": _empty_adaptive_policy,
    "gradient_learner": _empty_gradient_learner,
    "gradient_classifier": partial(_empty_gradient_learner, kind=GradientClassifier),
}
"""Makes a network of the sizes of some tensors."""


def _layers(tensors: Mapping[str, Tensor], part: str) -> list[int]:
    # Sizes from input to output; linear layers are numbered, with activations between them.
    names = (name for name in tensors if name.startswith(f"{part}.") and name.endswith(".weight"))
    numbers = sorted(int(name.removeprefix(f"{part}.").split(".")[0]) for name in names)
    weights = [tensors[f"{part}.{number}.weight"] for number in numbers]
    return [weights[0].shape[1], *(weight.shape[0] for weight in weights)]


def _file(stem: Path, suffix: str) -> Path:
    # Names hold dots ("eps0.1"), so Path.with_suffix would cut them.
    return stem.with_name(f"{stem.name}.{suffix}")
