"""Planar robots whose physics differs from simulation to simulation, stepped in one batch.

MuJoCo steps all simulations on a thread pool; masses, frictions, dampings and armatures are
written per simulation, and every constant that hangs on them is computed again.

Axes: N simulations, B bodies (without the world), P physical parameters.
Source: MuJoCo's `mujoco.batch`, https://mujoco.readthedocs.io; models of Gymnasium's MuJoCo worlds.
"""

import dataclasses
import functools
from pathlib import Path
from typing import ClassVar

import gymnasium
import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from course_lib.core.playback import Geom, Scene
from course_lib.envs.episodes import Interval, WorldParams

_ASSETS = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"


class ModelParams(WorldParams):
    """Parameters that are fields of a MuJoCo model."""

    @classmethod
    def write(cls, batch: Batch, model: mujoco.MjModel, rows: np.ndarray, values: np.ndarray) -> None:
        """Writes the parameters [K, P] into the models of the K simulations in rows.

        A parameter at its default must leave the model's own value, bit for bit.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LocomotionParams(ModelParams):
    """Physical parameters of a planar robot; each a number, or one number per simulation [N]."""

    torso_mass: float | np.ndarray
    """Mass of the torso, kg, above 0. Its inertia scales along: same shape, another density."""
    ground_friction: float | np.ndarray
    """Sliding friction between foot and floor, 1, above 0. All other contacts keep their ratio to it."""
    joint_damping: float | np.ndarray
    """Damping of the reference joint, N m s/rad, above 0. The other joints keep their ratio to it."""
    armature: float | np.ndarray
    """Rotor inertia seen at every actuated joint, kg m^2, above 0."""

    bounds: ClassVar[dict[str, Interval]] = {
        "torso_mass": Interval(0.0, 100.0, above_low=True),
        "ground_friction": Interval(0.0, 10.0, above_low=True),
        "joint_damping": Interval(0.0, 100.0, above_low=True),
        "armature": Interval(0.0, 10.0, above_low=True),
    }

    @classmethod
    def write(cls, batch: Batch, model: mujoco.MjModel, rows: np.ndarray, values: np.ndarray) -> None:
        """Scales the model's torso, contacts and joints by the parameters' ratios to the defaults."""
        # A parameter at its default gives a ratio of exactly 1, and so the XML's exact value.
        ratio = values / cls().array()
        mass, friction, damping, armature = (ratio[:, [column]] for column in range(ratio.shape[1]))
        torso = model.body("torso").id
        batch.expand("body_mass")[rows, torso] = model.body_mass[torso] * mass[:, 0]
        batch.expand("body_inertia")[rows, torso] = model.body_inertia[torso] * mass
        # A contact slides with the larger coefficient of its two geoms: scale all of them.
        batch.expand("geom_friction")[rows, :, 0] = model.geom_friction[:, 0] * friction
        batch.expand("dof_damping")[rows] = model.dof_damping * damping
        batch.expand("dof_armature")[rows] = model.dof_armature * armature


@functools.cache
def load_model(xml: str) -> mujoco.MjModel:
    """One of Gymnasium's models, or the model of an absolute path; shared, so never write to it."""
    # The half-cheetah's XML uses a deprecated attribute: without this, MuJoCo leaves a log file
    # in the working directory at every load.
    mujoco.set_mju_user_warning(lambda message: None)
    try:
        return mujoco.MjModel.from_xml_path(str(_ASSETS / xml))
    finally:
        mujoco.set_mju_user_warning(None)


class Physics:
    """N simulations of one model, each with its own parameters."""

    def __init__(self, xml: str, num_sims: int, defaults: ModelParams, num_threads: int = 0) -> None:
        self.model = load_model(xml)
        self.batch = Batch(self.model, nsim=num_sims, nthread=1 if num_sims == 1 else num_threads)
        self.qpos = self.batch.bind("qpos")
        self.qvel = self.batch.bind("qvel")
        self.ctrl = self.batch.bind("ctrl")
        self.warmstart = self.batch.bind("qacc_warmstart")
        self._name = Path(xml).stem
        self._defaults = defaults
        self._applied = defaults.array(num_sims)
        self._xpos: np.ndarray | None = None

    def set_params(self, params: ModelParams) -> None:
        """Writes the parameters into the model of each simulation; states stay as they are."""
        if not isinstance(params, type(self._defaults)):
            raise TypeError(f"params must be {type(self._defaults).__name__}, got {type(params).__name__}")
        self.apply(params.array(self.batch.nsim))

    def apply(self, values: np.ndarray) -> None:
        """The same for parameters as a matrix [N, P]."""
        # Only where something changed: deriving the constants takes about as long as a time step.
        rows = np.flatnonzero((values != self._applied).any(axis=1))
        if not rows.size:
            return
        self._applied = values
        self._defaults.write(self.batch, self.model, rows, values[rows])
        self.batch.set_const(rows)

    def step(self, nstep: int, ids: np.ndarray | None = None) -> np.ndarray:
        """Advances the simulations (all, or those of a mask) by nstep time steps.

        Returns:
            Indices of the simulations that diverged. MuJoCo has put most of them back to a start
            state, so what is left in them means nothing.
        """
        try:
            self.batch.step(ids=ids, nstep=nstep)
        except SimulationError as error:
            self.batch.warning[error.ids, mujoco.mjtWarning.mjWARN_BADQACC, 1] += 1
        # [N, 3]: how often a position, a velocity or an acceleration was not finite, or absurd.
        counts = self.batch.warning[
            :, mujoco.mjtWarning.mjWARN_BADQPOS : mujoco.mjtWarning.mjWARN_BADQACC + 1, 1
        ]
        # MuJoCo looks before each time step, so not at where the last one led.
        absurd = ~self.is_good()
        if not counts.any() and not absurd.any():
            return np.empty(0, dtype=np.intp)
        diverged = np.flatnonzero(counts.any(axis=1) | absurd)
        counts[diverged] = 0
        return diverged

    def step_or_go_back(self, nstep: int, ids: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Advances the simulations of a mask; those that diverge go back to the states before.

        Args:
            nstep: time steps.
            ids: which simulations, bool [N].
            before: a copy of `batch.state`.

        Returns:
            Which simulations diverged, bool [N].
        """
        diverged = np.zeros(self.batch.nsim, dtype=bool)
        indices = self.step(nstep, ids)
        if indices.size:
            diverged[indices] = True
            self.batch.state[indices] = before[indices]
            lost = ~self.is_good()
            if lost.any():  # somebody wrote the bad state between two steps
                self.batch.reset(lost)
        return diverged

    def is_good(self) -> np.ndarray:
        """Whether each simulation's positions and velocities are finite, and accepted by MuJoCo, bool [N]."""
        limit = mujoco.mjMAXVAL
        return (np.abs(self.qpos) < limit).all(axis=1) & (np.abs(self.qvel) < limit).all(axis=1)

    @functools.cached_property
    def scene(self) -> Scene:
        """Names of the bodies and the capsules drawn for them, seen from the side."""
        model = self.model
        geoms = []
        for index in range(model.ngeom):
            if model.geom_type[index] != mujoco.mjtGeom.mjGEOM_CAPSULE:
                continue
            axis = np.zeros(3)
            mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, 1.0]), model.geom_quat[index])
            centre, half = model.geom_pos[index], model.geom_size[index, 1] * axis
            start, end = centre - half, centre + half
            geoms.append(
                Geom(
                    body=int(model.geom_bodyid[index]) - 1,
                    start=(float(start[0]), float(start[2])),
                    end=(float(end[0]), float(end[2])),
                    radius=float(model.geom_size[index, 0]),
                    name=model.geom(index).name,
                )
            )
        names = tuple(model.body(index).name for index in range(1, model.nbody))
        return Scene(name=self._name, bodies=names, geoms=tuple(geoms))

    def pose(self) -> np.ndarray:
        """Where the bodies are now, float32 [N, B, 3]: x (m), z (m), pitch about the y axis (rad)."""
        if self._xpos is None:
            # Bound only here: what is bound is copied out after every step.
            self._xpos, self._xquat = self.batch.bind("xpos"), self.batch.bind("xquat")
        # After a step, bound fields lag one time step behind the state.
        self.batch.forward(stage=mujoco.mjtStage.mjSTAGE_POS)
        pose = np.empty((self.batch.nsim, self.model.nbody - 1, 3), dtype=np.float32)
        pose[..., 0] = self._xpos[:, 1:, 0]
        pose[..., 1] = self._xpos[:, 1:, 2]
        pose[..., 2] = 2 * np.arctan2(self._xquat[:, 1:, 2], self._xquat[:, 1:, 0])
        return pose
