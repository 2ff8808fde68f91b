"""Planar robots whose physics differs from simulation to simulation, stepped in one batch.

MuJoCo steps all simulations on a thread pool; masses, frictions, dampings and armatures are
written per simulation, and every constant that hangs on them is computed again.

Axes: N simulations, B bodies (without the world), P physical parameters.
Source: MuJoCo's `mujoco.batch`, https://mujoco.readthedocs.io; models of Gymnasium's MuJoCo worlds.
"""

import dataclasses
import functools
from pathlib import Path
from typing import ClassVar, Self

import gymnasium
import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from course_lib.core.playback import Geom, Scene
from course_lib.core.spelling import nearest

_ASSETS = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LocomotionParams:
    """Physical parameters of a planar robot; each a number, or one number per simulation [N]."""

    torso_mass: float | np.ndarray
    """Mass of the torso, kg, above 0. Its inertia scales along: same shape, another density."""
    ground_friction: float | np.ndarray
    """Sliding friction between foot and floor, 1, above 0. All other contacts keep their ratio to it."""
    joint_damping: float | np.ndarray
    """Damping of the reference joint, N m s/rad, above 0. The other joints keep their ratio to it."""
    armature: float | np.ndarray
    """Rotor inertia seen at every actuated joint, kg m^2, above 0."""

    upper: ClassVar[dict[str, float]] = {
        "torso_mass": 100.0,
        "ground_friction": 10.0,
        "joint_damping": 100.0,
        "armature": 10.0,
    }

    def __post_init__(self) -> None:
        for name in self.names():
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.ndim > 1:
                raise ValueError(
                    f"{name} must be a number or one number per simulation, got shape {value.shape}"
                )
            bad = ~((value > 0) & (value <= self.upper[name]))  # also catches NaN
            if bad.any():
                raise ValueError(f"{name} must be in (0, {self.upper[name]:g}], got {value[bad].flat[0]}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.names())

    __hash__ = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the parameters, in the order of the columns of `array`."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @classmethod
    def from_array(cls, matrix: np.ndarray) -> Self:
        """Parameters of N simulations from a matrix [N, P], columns as in `names`.

        Raises:
            ValueError: the matrix has another shape, or a value is out of bounds.
        """
        matrix = np.asarray(matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != len(cls.names()):
            raise ValueError(f"matrix must have shape [N, {len(cls.names())}], got {matrix.shape}")
        return cls(**dict(zip(cls.names(), matrix.T.copy(), strict=True)))

    @classmethod
    def from_keywords(cls, **values: float | np.ndarray) -> Self:
        """Parameters by name, with the world's defaults for the rest.

        Raises:
            TypeError: a name is unknown; the message offers the nearest one.
        """
        for name in values:
            if name not in cls.names():
                raise TypeError(f"unknown parameter {name}: {nearest(name, cls.names())}")
        return cls(**values)

    def array(self, n: int = 1) -> np.ndarray:
        """The parameters of n simulations, float64 [n, P], columns as in `names`.

        Raises:
            ValueError: a parameter holds neither one value nor n.
        """
        matrix = np.empty((n, len(self.names())))
        for column, name in enumerate(self.names()):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape not in ((), (n,)):
                raise ValueError(
                    f"{name} has {len(value)} values for {n} simulations: give one number, or {n}"
                )
            matrix[:, column] = value
        return matrix


@functools.cache
def load_model(xml: str) -> mujoco.MjModel:
    """One of Gymnasium's models; shared, so never write to it."""
    # The half-cheetah's XML uses a deprecated attribute: without this, MuJoCo leaves a log file
    # in the working directory at every load.
    mujoco.set_mju_user_warning(lambda message: None)
    try:
        return mujoco.MjModel.from_xml_path(str(_ASSETS / xml))
    finally:
        mujoco.set_mju_user_warning(None)


class Physics:
    """N simulations of one model, each with its own parameters."""

    def __init__(self, xml: str, num_sims: int, defaults: LocomotionParams, num_threads: int = 0) -> None:
        self.model = load_model(xml)
        self.batch = Batch(self.model, nsim=num_sims, nthread=num_threads)
        self.qpos = self.batch.bind("qpos")
        self.qvel = self.batch.bind("qvel")
        self.ctrl = self.batch.bind("ctrl")
        self.warmstart = self.batch.bind("qacc_warmstart")
        self._name = Path(xml).stem
        self._defaults = defaults
        self._applied = defaults.array(num_sims)
        self._xpos: np.ndarray | None = None

    def set_params(self, params: LocomotionParams) -> None:
        """Writes the parameters into the model of each simulation; states stay as they are."""
        if not isinstance(params, type(self._defaults)):
            raise TypeError(f"params must be {type(self._defaults).__name__}, got {type(params).__name__}")
        values = params.array(self.batch.nsim)
        # Only where something changed: deriving the constants takes about as long as a time step.
        rows = np.flatnonzero((values != self._applied).any(axis=1))
        if not rows.size:
            return
        self._applied = values
        # A parameter at its default gives a ratio of exactly 1, and so the XML's exact value.
        ratio = values[rows] / self._defaults.array()
        mass, friction, damping, armature = (ratio[:, [column]] for column in range(ratio.shape[1]))
        model, torso = self.model, self.model.body("torso").id
        self.batch.expand("body_mass")[rows, torso] = model.body_mass[torso] * mass[:, 0]
        self.batch.expand("body_inertia")[rows, torso] = model.body_inertia[torso] * mass
        # A contact slides with the larger coefficient of its two geoms: scale all of them.
        self.batch.expand("geom_friction")[rows, :, 0] = model.geom_friction[:, 0] * friction
        self.batch.expand("dof_damping")[rows] = model.dof_damping * damping
        self.batch.expand("dof_armature")[rows] = model.dof_armature * armature
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
