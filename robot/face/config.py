"""A face as its owner wrote it down: one YAML file, checked whole before anything moves."""

from __future__ import annotations

import hashlib
import json
import shlex
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from mien.models.reading.bounded import FileError
from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.reading.yaml_file import read_yaml
from mien.robot import wire
from mien.robot.errors import ConfigError
from mien.robot.face.consistency import MAX_ENTRIES, consistency
from mien.robot.face.entries import ROLES, YAML, Actuator, Address, Currents, Interlock, Mechanism
from mien.robot.face.entries import Floats as Floats
from mien.robot.face.entries import Supply as Supply
from mien.robot.names import ALLOWED, Name, is_name, printable, quoted

FACES = Path(__file__).parents[1] / "faces"

# What a self-model depends on.
_LEARNED = ("kind", "pulse_us", "direction", "limits", "slack_us", "floor_us")
# Of the whole file, version 0.1.0 hashed everything else.
_UNLEARNED = ("description", "supplies", "currents", "estop_switch", "failsafe_hold_s")


class FaceConfig(Strict):
    """A whole face. Arrays are in the order of ``names``, which is the order of the file.

    ``boards`` are the I2C addresses of the servo boards (PCA9685). The board, everywhere else, is
    the microcontroller that commands them. ``mechanism`` is what the simulated robot is built of; a
    real one needs none.

    ``estop_switch`` is the emergency switch at the board's own input: normally closed, so that a
    cut wire stops; normally open; or none, which is named whenever the face is armed.
    ``failsafe_hold_s`` is how long the safe pose is held when the host has gone silent, before the
    servos are released.
    """

    face: Annotated[Name, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    description: str = ""
    mechanism: Mechanism | None = None
    boards: Annotated[list[Address], Field(min_length=1, max_length=3)]
    pwm_hz: Annotated[float, Field(ge=40.0, le=330.0)] = 50.0
    baud: Literal[250000, 500000, 1000000] = 500000
    timeout_ms: Annotated[int, Field(ge=50, le=wire.TIMEOUT_MAX_MS)] = 200
    estop_switch: Literal["nc", "no", "none"] = "nc"
    failsafe_hold_s: Annotated[int, Field(ge=0, le=255)] = 10
    actuators: Annotated[dict[Name, Actuator], Field(min_length=1, max_length=wire.CHANNELS_MAX)]
    interlocks: Annotated[list[Interlock], Field(max_length=MAX_ENTRIES)] = []
    supplies: Annotated[list[Supply], Field(max_length=MAX_ENTRIES)] = []
    currents: Annotated[dict[str, Currents], Field(max_length=MAX_ENTRIES)] = {}
    _given: str = PrivateAttr("")
    _folder: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problems := consistency(self.model_dump()):
            raise ValueError("\n".join(problems))
        return self

    @property
    def name(self) -> str:
        """The face's name."""
        return self.face

    @property
    def given(self) -> str:
        """What the user called the face: the path of its YAML file, or its name."""
        return self._given or self.face

    @property
    def mechanism_source(self) -> str | Path:
        """The mechanism: its name in the package, or the path of its own file.

        Raises:
            ConfigError: the face names none.
        """
        if self.mechanism is None:
            raise ConfigError(
                f"face {self.face} names no mechanism, and the simulated robot needs one; a real "
                "robot does not: --port auto",
                f"mien face new {self.face} in another folder writes one to copy",
            )
        own = self.mechanism.endswith(YAML)
        return self._folder / self.mechanism if own else self.mechanism

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Actuator names, in the order of every array of this face."""
        return tuple(self.actuators)

    def index(self, name: str) -> int:
        """Position of ``name`` in ``names``.

        Raises:
            ConfigError: no such actuator; the message lists the names.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise ConfigError(
                f"{self.face} has no actuator {quoted(name)}; it has {', '.join(self.names)}"
            ) from None

    @cached_property
    def pulses(self) -> Floats:
        """(n, 3): min, neutral and max pulse, in us."""
        return np.array([a.pulse_us for a in self.actuators.values()], dtype=np.float64)

    @cached_property
    def direction(self) -> Floats:
        """(n,): +1 or -1."""
        return np.array([a.direction for a in self.actuators.values()], dtype=np.float64)

    @cached_property
    def limits(self) -> Floats:
        """(n, 2): lowest and highest allowed command; 0 and 0 for an absent actuator."""
        limits = [(0.0, 0.0) if a.absent else a.limits for a in self.actuators.values()]
        return np.array(limits, dtype=np.float64)

    @cached_property
    def absent(self) -> NDArray[np.bool_]:
        """(n,): actuators that are not built in."""
        return np.array([a.absent for a in self.actuators.values()], dtype=np.bool_)

    @cached_property
    def safe(self) -> Floats:
        """(n,): the pose that every fault ends in."""
        return np.array([a.safe for a in self.actuators.values()], dtype=np.float64)

    @cached_property
    def speed(self) -> Floats:
        """(n,): fastest change of the command, per second."""
        return np.array([a.speed for a in self.actuators.values()], dtype=np.float64)

    @cached_property
    def has_hysteresis(self) -> NDArray[np.bool_]:
        """(n,): whether the effect of an actuator depends on past commands."""
        return np.array([a.kind.has_hysteresis for a in self.actuators.values()], dtype=np.bool_)

    @cached_property
    def can_go_slack(self) -> NDArray[np.bool_]:
        """(n,): whether an actuator only pulls, and can lose its tension."""
        return np.array([a.kind.can_go_slack for a in self.actuators.values()], dtype=np.bool_)

    @cached_property
    def roles(self) -> dict[str, str]:
        """Actuator by role, for the roles that somebody has."""
        present = {name: a for name, a in self.actuators.items() if not a.absent}
        out = {name: name for name in ROLES if name in present}
        return out | {a.role: name for name, a in present.items() if a.role}

    @cached_property
    def vacant(self) -> tuple[str, ...]:
        """Roles that nobody has: what is asked of them does not show on this face."""
        return tuple(role for role in ROLES if role not in self.roles)

    @cached_property
    def idle(self) -> tuple[str, ...]:
        """Actuators of the neck that nothing ever moves, because they have no role."""
        busy = set(self.roles.values())
        return tuple(
            n
            for n, a in self.actuators.items()
            if a.region == "neck" and not a.absent and n not in busy
        )

    @cached_property
    def hash(self) -> str:
        """16 hex digits that change with what a self-model depends on, and with nothing else.

        That is the names, kinds, pulses, directions, limits and slack of the actuators. Baud
        rates, timeouts, speeds or supplies may change and a calibration still fits.
        """
        learned = {name: a.model_dump(include=set(_LEARNED)) for name, a in self.actuators.items()}
        return _digest({"face": self.face, "actuators": learned})

    @cached_property
    def hashes(self) -> tuple[str, str]:
        """What files of this face may be tied to: ``hash``, or the one of version 0.1.0, which
        covered the whole file."""
        dropped: Any = dict.fromkeys(_UNLEARNED, True)
        dropped["actuators"] = {"__all__": {"role", "absent", "play_us"}}
        return self.hash, _digest(self.model_dump(exclude=dropped))


def load_face(path_or_name: str | Path) -> FaceConfig:
    """Read a face: the name of one that ships (``morpheus33``) or the path of a YAML file.

    Raises:
        ConfigError: no such file, not YAML, or faults in it; every fault is listed with its key.
    """
    path = face_path(path_or_name)
    config, faults = read_face(path, str(path_or_name))
    if config is None:
        lines = listed([printable(line) for line in faults])
        raise ConfigError(
            f"{path} has faults, nothing moves:\n{lines}",
            f"mien face check {shlex.quote(str(path))}",
        )
    return config


def face_path(path_or_name: str | Path) -> Path:
    """Path of the YAML file of a face, which may not exist.

    Raises:
        ConfigError: neither a YAML file nor a name.
    """
    path = Path(path_or_name)
    if path.suffix in YAML:
        return path
    if not is_name(str(path_or_name)):
        raise ConfigError(
            f"{quoted(str(path_or_name))} is neither a YAML file nor the name of a face that "
            f"ships ({', '.join(shipped())}): {ALLOWED}",
            "mien demo --face morpheus33",
        )
    return FACES / f"{path_or_name}.yaml"


def read_face(path: Path, given: str) -> tuple[FaceConfig | None, list[str]]:
    """A face, and its faults: one line each, beginning with its key; with faults there is no face.

    Args:
        path: of the YAML file.
        given: what the user called it.

    Raises:
        ConfigError: no such file, or not YAML.
    """
    try:
        tree: Any = read_yaml(path)
    except OSError as e:
        raise ConfigError(
            f"cannot read face {given}: {e.strerror}; faces that ship: {', '.join(shipped())}",
            f"mien face new {shlex.quote(path.stem)} --servos 14",
        ) from e
    except FileError as e:
        raise ConfigError(e.message, f"mien face check {shlex.quote(str(path))}") from e
    try:
        config = FaceConfig.model_validate(tree)
    except ValidationError as e:
        # Ours come from the raw tree, where a fault elsewhere hides none.
        return None, [*fault_lines(e, ours=False), *consistency(tree)] or fault_lines(e)
    config._given, config._folder = given, path.parent
    return config, []


def shipped() -> list[str]:
    """Names of the faces that come with the package."""
    return sorted(p.stem for p in FACES.glob("*.yaml"))


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
