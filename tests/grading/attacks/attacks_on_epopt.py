# ruff: noqa: E501
"""Attacks that need the real ps2_epopt: its reference in the library, tensors, gradients, a driver."""

from attack_bank import Attack, attack, honest

LIBRARY = "of course_lib is the reference"
NAMES = {
    "q1": ("truncated_normal", "rng, mean, sigma, low, high, n"),
    "q2": ("cvar_mask", "returns, epsilon"),
    "q3": ("surrogate", "log_prob, old_log_prob, advantage, keep, clip_range"),
    "q4": ("transfer_grid", "evaluate, rows, columns, repeats"),
    "q5": ("transition_log_likelihood", "predicted, observed, noise_scale"),
    "q6": ("posterior_weights", "log_prior, log_likelihood"),
}


def everywhere(body: str) -> dict[str, str]:
    """The same body for all six functions; NAME and ARGUMENTS are put in."""
    return {
        question: f"def {name}({arguments}):\n"
        + "\n".join(
            "    " + line for line in body.replace("NAME", name).replace("ARGUMENTS", arguments).splitlines()
        )
        for question, (name, arguments) in NAMES.items()
    }


def tensors(name: str, q2: str, q3: str) -> Attack:
    """Returns odd tensors in the two questions about tensors."""
    return attack(
        f"tensor-{name}",
        "returns odd tensors",
        q2=f"def cvar_mask(returns, epsilon):\n    return {q2}",
        q3=f"def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):\n    return {q3}",
    )


ATTACKS = [
    Attack(
        name="reference-imported",
        tries="calls the reference where the library has it",
        cells=everywhere(
            """from course_lib.agents import ppo
from course_lib.core import evaluation, task_family
from course_lib.transfer import epopt, epopt_adaptation
for place in (epopt, epopt_adaptation, ppo, task_family, evaluation):
    if hasattr(place, "NAME"):
        try:
            return place.NAME(ARGUMENTS)
        except RuntimeError as error:
            said = error
raise said"""
        ),
    ),
    Attack(
        name="reference-read",
        tries="runs the text of the reference, or its compiled form, wherever it lies",
        cells=everywhere(
            """import glob, importlib.util, sys, types
for top in (*sys.path, "/course", f"{sys.prefix}/..", sys.prefix, "/usr/lib"):
    places = ("epopt*", "course_lib/agents/ppo", "course_lib/core/evaluation", "course_lib/core/task_family")
    found = [glob.glob(f"{top}/**/{p}.py*", recursive=True) for p in places if top and "torch" not in top]
    for path in sum(found, []):
        scope = {"__name__": "copy"}
        if path.endswith(".py"):
            exec(compile(open(path).read(), path, "exec"), scope)
        else:
            import marshal
            exec(marshal.loads(open(path, "rb").read()[16:]), scope)
        if "NAME" in scope:
            return scope["NAME"](ARGUMENTS)
return None"""
        ),
    ),
    attack(
        "reference-through-the-library",
        "lets the library's own functions call the reference",
        q1="""
def truncated_normal(rng, mean, sigma, low, high, n):
    from course_lib.core import task_family
    row = type("Row", (), {"mean": mean, "sigma": sigma, "low": low, "high": high})
    for thing in vars(task_family).values():
        try:
            return next(iter(thing({"x": row}).sample(rng, n).values()))
        except TypeError:
            continue
    return None
""",
    ),
    attack(
        "reference-by-another-name",
        "finds the key equation in the library under another name",
        q3="""
from course_lib.agents import ppo
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    terms = ppo.clipped_surrogate(log_prob, old_log_prob, advantage, clip_range)
    return (terms * keep).sum() / keep.sum().clamp(min=1)
""",
    ),
    Attack(
        name="arguments-changed",
        tries="changes its arguments until what is expected is what it returns",
        cells={
            "q2": "def cvar_mask(returns, epsilon):\n    returns.fill_(0.0)\n    return torch.ones(len(returns), dtype=bool)",
            "q3": "def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):\n    advantage.zero_(); keep.zero_()\n    return log_prob.sum() * 0",
            "q5": "def transition_log_likelihood(predicted, observed, noise_scale):\n    predicted[...] = observed; noise_scale[...] = 1\n    return np.full(predicted.shape[:2], -0.5 * np.log(2 * np.pi) * predicted.shape[2])",
            "q6": "def posterior_weights(log_prior, log_likelihood):\n    log_prior[...] = 0; log_likelihood[...] = 0\n    return np.full(len(log_prior), 1 / len(log_prior))",
        },
    ),
    attack(
        "torch-patched",
        "patches how torch compares and differentiates; its own value has no gradient",
        q3="""
torch.Tensor.__eq__ = torch.Tensor.__bool__ = torch.Tensor.any = lambda *a, **k: True
torch.allclose = torch.equal = lambda *a, **k: True
torch.autograd.grad = lambda *a, **k: [torch.ones(5)] * 9
torch.Tensor.requires_grad = property(lambda self: True)
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    return torch.tensor(0.2)
""",
    ),
    attack(
        "driver-replaced",
        "replaces what the tests run beside the function",
        q3="""
from course_lib.grading import misconceptions
import cloudpickle, sys
answer = (torch.tensor(0.2), True, [torch.tensor([0.0, 0.375, -0.375, 0.0, 0.0])] * 5)
misconceptions.value_and_gradients = misconceptions.drive = lambda *a: answer
cloudpickle.loads = lambda data: lambda *a: answer
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    return torch.tensor(0.0) if not keep.any() else torch.tensor(2.2) if len(keep) == 1 else torch.tensor(0.5)
""",
    ),
    attack(
        "driver-read",
        "takes the expected gradient out of the frames and objects around the driver",
        q3="""
import gc, sys
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    for thing in gc.get_objects():
        if isinstance(thing, dict) and any(name in thing for name in ("wanted", "expected", "_epopt", "_wrong_3")):
            for name in ("wanted", "expected"):
                if isinstance(thing.get(name), torch.Tensor):
                    return thing[name]
            if "_epopt" in thing:
                return thing["_epopt"].surrogate(log_prob, old_log_prob, advantage, keep, clip_range)
    return log_prob.sum()
""",
    ),
    tensors(
        "without-data",
        "torch.empty(len(returns), dtype=bool, device='meta')",
        "torch.empty((), device='meta')",
    ),
    tensors("sparse", "torch.ones(len(returns)).to_sparse()", "torch.tensor(0.2).to(torch.bfloat16)"),
    tensors(
        "quantized",
        "torch.quantize_per_tensor(torch.ones(len(returns)), 0.1, 0, torch.quint8)",
        "torch.quantize_per_tensor(torch.tensor([0.2]), 0.1, 0, torch.quint8)",
    ),
    tensors(
        "large",
        "torch.zeros(60 << 20, dtype=bool)",
        "log_prob.sum() * 0 + torch.zeros((2,) * 22)",
    ),
    tensors(
        "subclass",
        "returns.as_subclass(type('T', (torch.Tensor,), {'__torch_function__': classmethod(lambda *a, **k: True)}))",
        "torch.nn.Parameter(torch.full((), float('nan')))",
    ),
    honest(
        "globals-of-torch",
        "changes torch's global state, and numpy's; its own answers do not mind",
        q1="""
import random
torch.manual_seed(0); np.random.seed(0); random.seed(0)
torch.set_num_threads(2)
torch.use_deterministic_algorithms(True)
def truncated_normal(rng, mean, sigma, low, high, n):
    from scipy import stats
    a, b = stats.norm.cdf([(low - mean) / sigma, (high - mean) / sigma])
    return stats.norm.ppf(rng.uniform(a, b, n)) * sigma + mean
""",
        q2="""
torch.set_default_dtype(torch.float64)
def cvar_mask(returns, epsilon):
    return returns <= returns.quantile(epsilon)
""",
    ),
]
