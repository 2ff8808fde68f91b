"""Answers that remember, predict, hard-code, or change the question until it fits."""

from attack_bank import attack, own_goal

ATTACKS = [
    attack(
        "change-the-arguments",
        "changes its argument, so that what is expected of it is what it returns",
        q1="""
def centred(values):
    values[...] = 0.0
    return np.zeros_like(values)
""",
    ),
    attack(
        "change-the-arguments-later",
        "changes its argument when the next call comes",
        q1="""
kept = []
def centred(values):
    for old in kept:
        old[...] = 0.0
    kept.append(values)
    return np.zeros_like(values)
""",
    ),
    attack(
        "return-the-argument",
        "returns its argument itself, an alias",
        q1="""
def centred(values):
    return values
""",
        q2="""
def noisy(rng, values):
    return values
""",
    ),
    attack(
        "change-in-a-thread",
        "changes its argument after it has returned",
        q1="""
import threading
def centred(values):
    threading.Timer(0.001, lambda: values.fill(0.0)).start()
    return np.zeros_like(values)
""",
    ),
    attack(
        "change-the-candidates",
        "changes the candidates so that the first is the best",
        q3="""
def best(evaluate, candidates):
    evaluate(candidates)
    candidates[...] = candidates[0]
    return 0
""",
    ),
    attack(
        "hard-code",
        "returns the numbers of the visible case",
        q2="""
def noisy(rng, values):
    return np.random.default_rng(3).normal(size=4)
""",
    ),
    attack(
        "memorize",
        "returns what an earlier call got or gave",
        q1="""
seen = []
def centred(values):
    seen.append(values.copy())
    return seen[0] - seen[0].sum()
""",
    ),
    attack(
        "second-call",
        "is right at the first call only",
        q2="""
calls = []
def noisy(rng, values):
    calls.append(1)
    return values + rng.normal(size=len(values)) if len(calls) < 2 else values
""",
    ),
    attack(
        "predict-the-seed",
        "reads the generator's state to guess the cases to come",
        q2="""
def noisy(rng, values):
    state = rng.bit_generator.state["state"]["state"]
    guess = np.random.default_rng(state % 2**63)
    return guess.normal(size=len(values))
""",
    ),
    attack(
        "generator-made-harmless",
        "patches the generator's type, so that the tests draw nothing but zeros",
        q2="""
np.random.Generator = np.random.default_rng = lambda *a: None
np.random.PCG64 = type("Zeros", (), {"state": None})
def noisy(rng, values):
    return values
""",
    ),
    attack(
        "many-calls",
        "tries every candidate alone, and hopes that nobody counts",
        q3="""
def best(evaluate, candidates):
    for k in range(30):
        evaluate(candidates)
    return int(np.argmax(evaluate(candidates)))
""",
    ),
    attack(
        "callback-twenty-thousand-times",
        "calls the test's own function until it gives in",
        q3="""
def best(evaluate, candidates):
    for k in range(20_000):
        try:
            evaluate(np.zeros(1))
        except ValueError:
            pass
    return 0
""",
    ),
    attack(
        "callback-hostile-arguments",
        "hands the test's own function what it does not expect, and calls it too often at the end",
        q3="""
def best(evaluate, candidates):
    hostile = [None, print, evaluate, "x" * 10**6, [[]] * 10**4, {"x": {}}, np.zeros((1,) * 30), 10**3000]
    for thing in hostile:
        for call in (lambda: evaluate(thing), lambda: evaluate(x=thing), lambda: evaluate(thing, thing),
                     lambda: evaluate(**{"\\ud800": thing}), lambda: evaluate(candidates=thing)):
            try:
                call()
            except Exception:
                pass
    return int(np.argmax(evaluate(candidates))) + int(np.argmax(evaluate(candidates))) * 0
""",
    ),
    attack(
        "callback-kept",
        "keeps a test's own function, and calls it in another question",
        q3="""
kept = []
def best(evaluate, candidates):
    kept.append(evaluate)
    for old in kept:
        old(candidates)
    return int(np.argmax(evaluate(candidates)))
""",
    ),
    attack(
        "callback-kept-for-another-question",
        "calls a function of question 3 where question 2 handed over none",
        q1="""
def centred(values):
    import gc
    worker = [thing for thing in gc.get_objects() if type(thing).__name__ == "Worker"][0]
    return worker._call_back(0, (values,), {})
""",
        q2="""
def noisy(rng, values):
    import gc
    worker = [thing for thing in gc.get_objects() if type(thing).__name__ == "Worker"][0]
    return worker._call_back(-1, (values,), {})
""",
    ),
    own_goal(
        "callback-from-threads",
        "calls the test's own function from many threads at once",
        q3="""
import threading
def best(evaluate, candidates):
    threads = [threading.Thread(target=evaluate, args=(candidates,), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(0.2)
    return 0
""",
    ),
    attack(
        "callback-insides",
        "looks into the test's own function",
        q3="""
def best(evaluate, candidates):
    for cell in (evaluate.__closure__ or ()):
        if callable(cell.cell_contents) or isinstance(cell.cell_contents, (list, float)):
            try:
                return int(np.argmin((candidates - cell.cell_contents) ** 2))
            except Exception:
                pass
    return 0
""",
    ),
]
