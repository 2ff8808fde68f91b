"""Each widget of the course by a plain constructor: functions of a few lines, no training, no file.

test_robust_widgets.py moves them all; tests/widgets/test_every_widget.py demands that none is missing here.
"""

FUNCTIONS = """
import threading, time
import numpy as np
from course_lib.core.playback import Clip, Geom, Scene
from course_lib.widgets.plane import Plane
from course_lib.widgets.physics_panel import Slider
from course_lib.widgets.robustness_map import Axis
from course_lib.widgets.worker import Worker

gate = threading.Event()  # closed, it keeps every answer back
gate.set()
rng = np.random.default_rng(0)
SQUARE = ((-1.0, -1.0), (1.0, 1.0))
WALLS = [((0, -1), (0, -0.2))]

plainly = Worker.__init__
def at_the_gate(self, work):
    plainly(self, lambda request, overtaken: (gate.wait(), work(request, overtaken)))
Worker.__init__ = at_the_gate

# --- robots: a stick that swings

scene = Scene(name="stick", bodies=("torso",), geoms=(
    Geom(body=0, start=(0.0, -0.5), end=(0.0, 0.5), radius=0.07, name="torso"),))

def swings(rollouts, start, frames, speed=1.0):
    t = (start + np.arange(frames)) * 0.04
    pose = np.zeros((rollouts, frames, 1, 3), np.float32)
    pose[:, :, 0, 0] = speed * (1 + np.arange(rollouts))[:, None] * t
    pose[:, :, 0, 1], pose[:, :, 0, 2] = 0.7, 0.5 * np.sin(4 * t)
    alive = np.ones((rollouts, frames), bool)
    return Clip(pose=pose, reward=alive.astype(np.float32), alive=alive, dt=0.04)

def simulate(values, policy):
    for start in (0, 20):
        yield swings(4, start, 20, values["speed"])

steps = 0
def advance(command):
    global steps
    steps += 1
    pose = np.array([[[command * 0.04 * steps % 50, 0.7, 0.4 * np.sin(0.2 * steps)]]], np.float32)
    return pose, np.array([command * (1 + 0.1 * np.sin(0.3 * steps))])

def evaluate(params, policy):
    return 100 * np.exp(-params["mass"] - params["friction"])

speed = Slider(name="speed", label="Speed", low=0.0, high=3.0, step=0.5, value=1.0, unit="m/s")
rows = Axis(name="mass", values=np.linspace(0, 1, 4))
columns = Axis(name="friction", values=np.linspace(0, 1, 5))

# --- planes

def to_goal(goal, start, policy, radius):
    from course_lib.widgets.goal_field import GoalAnswer
    way = start + np.linspace(0, 1, 12)[:, None] * (goal - start)
    return GoalAnswer(-np.ones((6, 6)), way, True)

WAY = np.column_stack([np.linspace(-0.8, 0.8, 11), 0.5 * np.sin(np.linspace(0, 3, 11))])

def relabel(strategy, k, seed):
    from course_lib.widgets.hindsight_view import Stored
    t = np.arange(10) if strategy == "none" else np.concatenate([np.arange(10), np.repeat(np.arange(10), k)])
    goals = np.tile(WAY[-1], (len(t), 1))
    return Stored(t, goals, np.where(t == 9, 0.0, -1.0), t == 9)

def fit(x, y, at, degree):
    return {"mean": 0 * at + (np.mean(y) if len(y) else 0.0), "slope": degree * at / 10}

def in_turn(pulled, paid, rng):
    return np.full(pulled.shape[1], len(pulled) % 3)

GOALS = np.array([(x, y) for x in range(3) for y in range(3)])

def trial(task, reset_memory):
    from course_lib.widgets.trial_paths import Trial
    way = np.linspace((0, 0), GOALS[task], 6)
    return Trial(paths=[way, way[:4]], returns=[-1.0, 2.0], goal=tuple(GOALS[task]))

def bowl(task, start, inner_lr, steps):
    from course_lib.widgets.step_landscape import Landscape
    goal, path = np.array([0.3, 0.1 * (task % 3)]), [np.zeros(2)]
    for _ in range(steps):
        path.append(path[-1] - inner_lr * 5 * (path[-1] - goal))
    loss = lambda place: 0.06 + 2 * ((place - goal) ** 2).sum(-1)
    x, y = np.meshgrid(np.linspace(-0.25, 0.75, 15), np.linspace(-0.5, 0.5, 15))
    path = np.array(path)
    losses, after = loss(np.stack([x, y], -1)), loss(path)
    return Landscape(losses, (-0.25, -0.5), (0.75, 0.5), tuple(goal), path, after, after)

def explorers(goal, seed):
    from course_lib.widgets.belief_grid import Exploration
    belief = np.full((2, 5, len(GOALS)), 1 / len(GOALS))
    belief[1] = 0.0
    belief[1, :, goal] = 1.0
    path = np.tile(np.array([[0, 0], [0, 1], [1, 1], [1, 2], [2, 2]]), (2, 1, 1))
    return {name: Exploration(path=path, belief=belief, rewards=np.ones((2, 4))) for name in ("one", "other")}

def explored(task, shots, variant, seed):
    from course_lib.widgets.posterior_shots import Posterior
    rng, variance = np.random.default_rng(seed), 1 / (1 + shots)
    samples = np.sqrt(variance) * rng.standard_normal((4, 2))
    paths = np.linspace(0, 1, 6)[None, :, None] * np.clip(samples, -1, 1)[:, None]
    return Posterior(task=tuple(task), mean=np.zeros(2), covariance=variance * np.eye(2), samples=samples,
                     paths=paths, returns=np.ones(4), information=0.1 * shots, gathered=paths[:min(shots, 4)])

CIRCLE = np.column_stack([np.cos(np.arange(6)), np.sin(np.arange(6))])

# --- learning

def learn(samples):
    from course_lib.widgets.live_field import Snapshot
    for step in range(0, 5):
        yield Snapshot(step, np.full((4, 5), step / 4), np.zeros((min(samples, 9), 2)))
        time.sleep(0.01)

def records(seconds, count):
    for step in range(count):
        time.sleep(seconds)
        yield {"steps": step, "return_mean": step % 7}

def curve():
    from course_lib.widgets.live_curve import LiveCurve
    one = LiveCurve(title="A short training", total=30)
    one.run_blocking(records(0.001, 30))
    return one

LABEL = np.arange(12) % 3

# --- transfer

def questions():
    from course_lib.widgets.quiz import Choice, Question
    choices = [Choice(text="The task.", why="It is r.", right=True), Choice(text="Nothing.", why="No.")]
    return [Question(text=f"Question {n}?", choices=choices) for n in range(2)]

def differences():
    from course_lib.widgets.task_picture import Difference, Kind, Task
    moves = [(-1, 0), (0, 1), (1, 0), (0, -1)]
    tasks = [Task(goal=(-2, 1), moves=moves), Task(goal=(1, 2), moves=moves)]
    returns = {"meta": [-9.0, -5.0, -3.0, -3.0]}
    goals = Difference(says="Goals differ.", tasks=tasks, returns=returns, course={"meta": "08"})
    return {"goals": goals}, {"meta": Kind(says="To learn.", carries="how to learn")}

def adapted(learner, shots, shift):
    from course_lib.widgets.shots_and_shift import Adapted
    goals = shift * CIRCLE[:3]
    return Adapted(goals, np.linspace(0, 1, 5)[None, :, None] * goals[:, None], -np.ones(3))

SHIFTS = np.array([[-1.0, -0.5], [-2.0, -1.0]])

def pairs():
    from course_lib.envs import gridworld
    from course_lib.widgets.knowledge_switches import GridPair
    room, target = gridworld.wall_in_target()
    cells = room.rows * room.columns
    rng, moves = np.random.default_rng(0), [(-1, 0), (1, 0), (0, -1), (0, 1)]
    known = dict(values=rng.random(cells), policy=rng.random((cells, 4)), links=np.eye(cells, k=1) > 0,
                 features=rng.random((cells, 3)))
    return {"goal": GridPair(source=room, target=target, moves=moves, target_moves=moves, **known)}

def tried(name, pieces):
    from types import SimpleNamespace
    return SimpleNamespace(steps=np.array([10.0, 12.0]) - len(pieces), solved=np.array([True, True]))

def puzzle():
    from course_lib.envs.key_door import EXCHANGED, PUZZLE, Room, world
    return world(Room.drawn(PUZZLE)), EXCHANGED
"""

CONSTRUCTORS = {
    "BanditGame": 'BanditGame(np.array([[0.1, 0.5, 0.9], [0.8, 0.2, 0.4]]), {"in turn": in_turn}, pulls=8)',
    "BeliefGrid": "BeliefGrid(explorers, GOALS, side=3, goal=4)",
    "CommandPanel": 'CommandPanel(scene, advance, speed, ["stick"], dt=0.04, reset=lambda: None)',
    "ContextCurve": "ContextCurve(np.arange(5.0), {n: Curve(values=rng.normal(size=(3, 5)), "
    'trained=np.array([1.0])) for n in ("1", "2")}, title="Trained where?")',
    "CorrectionField": "CorrectionField(gridworld.compare, *gridworld.wall_in_target())",
    "FunctionFit": "FunctionFit(fit, *SQUARE, points=[(0.0, 0.5), (0.5, -0.5)], "
    'sliders=[Slider(name="degree", low=0, high=7, step=1, value=4)])',
    "GoalField": 'GoalField(to_goal, WALLS, *SQUARE, ["straight", "again"], '
    "start=(-0.7, -0.6), goal=(0.6, 0.5))",
    "HindsightView": "HindsightView(relabel, WAY, WAY[-1], WALLS, *SQUARE)",
    "KnowledgeSwitches": "KnowledgeSwitches(pairs(), tried)",
    "LiveCurve": "curve()",
    "LiveField": "LiveField(learn, np.ones((4, 5)), rows, columns, choices=(10, 30, 100), steps=4)",
    "MemoryPath": "MemoryPath(np.linspace(0, 1, 4)[:, None, None] * rng.normal(size=(12, 3)), LABEL, "
    '["one", "two", "three"])',
    "PhysicsPanel": 'PhysicsPanel(scene, simulate, [speed], {"calm": 0, "lively": 1})',
    "Player": "Player(scene).show(swings(3, 0, 40))",
    "PosteriorShots": "PosteriorShots(explored, *SQUARE, task=(0.5, 0.2), tasks=CIRCLE, "
    'inferred={"0.1": CIRCLE, "1": 0.5 * CIRCLE})',
    "RobustnessMap": "RobustnessMap(scene, evaluate, simulate_cell, rows=rows, columns=columns, "
    'policies={"calm": 0, "lively": 1})',
    "Quiz": "Quiz(questions())",
    "ShotsAndShift": 'ShotsAndShift(adapted, ["one"], plane=Plane((-3, -3), (3, 3)), '
    'by_shots={"one": SHIFTS}, '
    'low={"one": SHIFTS - 0.1}, high={"one": SHIFTS + 0.1}, shots=(0, 1), shifts=(1.0, 2.0))',
    "SpriteGame": "SpriteGame(*puzzle())",
    "TaskPicture": "TaskPicture(*differences(), best=-3.0, nothing=-16.5, few=3)",
    "StepLandscape": 'StepLandscape(bowl, ["near", "far"], steps=3)',
    "TrialPaths": "TrialPaths(trial, (-0.5, -0.5), (2.5, 2.5), return_range=(-2, 3), tasks=9, goals=GOALS)",
}
"""By class: what makes one, from `FUNCTIONS`."""

FUNCTIONS += """
def simulate_cell(params, policy):
    yield from simulate({"speed": 1 + params["mass"]}, policy)
"""


SHOW = """
for widget in widgets.values():  # without the picture that stands in: drawing so many takes long
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
"""


def cell(names: list[str], module_of: dict[str, str]) -> str:
    """A cell that makes the widgets in the order of `names` and shows them all.

    Args:
        names: of the classes.
        module_of: where each is defined.
    """
    imports = [f"from {module_of[name]} import {name}" for name in names]
    more = ["from course_lib.envs import gridworld", "from course_lib.widgets.context_curve import Curve"]
    made = [f"    {name!r}: {CONSTRUCTORS[name]}," for name in names]
    return "\n".join([*imports, *more, "widgets = {", *made, "}", SHOW])
