"""The data set of a calibration on disk: records of fixed size, appended to one file.

Each record ends with its CRC-32. A record that was half written when the power failed is cut off
when collecting resumes. A record that was damaged later is skipped, and its pose is visited again.
``setup.json`` identifies face, mechanism and camera.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.calibration.plan.plan import KINDS
from mien.models.face.regions import COUNT
from mien.models.files import write_whole
from mien.models.reading.bounded import excerpt, read_bytes
from mien.models.reading.json_file import read_object
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.config import FaceConfig, Floats

RECORDS, SETUP = "poses.bin", "setup.json"
MAX_BYTES = 128 << 20
"""Largest file of records, about 20,000 of them, in bytes. A calibration has 3,000."""
_WIDE = ("time", "commands", "landmarks", "head", "spread")
VERSION = 2
"""Version of the observations. 2: a real camera's landmarks include skin tracking from rest."""


@dataclass(frozen=True)
class Setup:
    """Identity of face, mechanism and camera. Data may be mixed only if all of it is equal.

    Attributes:
        face: name of the face.
        face_hash: hash of its configuration.
        mechanism: hash of the simulated mechanism, or ``hardware`` and the board's USB identity.
        build: seed of the simulated tolerances; -1 on hardware.
        camera: name of the camera.
        version: of the observations.
    """

    face: str
    face_hash: str
    mechanism: str
    build: int
    camera: str
    version: int = VERSION


@dataclass(frozen=True, eq=False)
class Dataset:
    """All undamaged records in the order they happened.

    Attributes:
        setup: identity of face, mechanism and camera.
        pose: (R,) index into the plan; -1 for a start, a trajectory, and a pose to be tried again.
        kind: (R,) index into ``KINDS``.
        time: (R,) s since the start of the session.
        commands: (R, n) as sent.
        landmarks: (R, 478, 3) mm, NaN without an observation.
        head: (R, 4, 4) pose of the head in the camera frame, mm.
        spread: (R,) mm, RMS change between the last two frames: residual motion and noise.
    """

    setup: Setup
    pose: NDArray[np.int32]
    kind: NDArray[np.int32]
    time: Floats
    commands: Floats
    landmarks: Floats
    head: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.pose)

    @cached_property
    def observed(self) -> NDArray[np.bool_]:
        """Records (R,) with an observation."""
        finite = np.isfinite(self.landmarks).all((1, 2))
        return np.asarray(finite & (self.kind != KINDS.index("start")))

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """Records (R,) of held-out poses with an observation."""
        return self.of("held_out")

    @cached_property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of commands and landmarks."""
        digest = sha256(self.commands.astype("<f4").tobytes())
        digest.update(self.landmarks.astype("<f4").tobytes())
        return digest.hexdigest()[:16]

    @property
    def robot_s(self) -> float:
        """Time (s) that the robot moved in all sessions together."""
        ends = np.append(self.kind[1:] == KINDS.index("start"), True)[: len(self)]
        return float(self.time[ends].sum())

    def of(self, *kinds: str) -> NDArray[np.bool_]:
        """Records (R,) of these kinds with an observation."""
        return np.asarray(self.observed & np.isin(self.kind, [KINDS.index(k) for k in kinds]))


def record_type(actuators: int) -> np.dtype[np.void]:
    """Layout of a record, little-endian, for a number of actuators."""
    return np.dtype(
        [
            ("pose", "<i4"),
            ("kind", "<i4"),
            ("time", "<f8"),
            ("spread", "<f4"),
            ("commands", "<f4", (actuators,)),
            ("landmarks", "<f4", (COUNT, 3)),
            ("head", "<f4", (4, 4)),
            ("crc", "<u4"),
        ]
    )


class RecordWriter:
    """Appends records to a data set. Opening it cuts off a half-written record.

    Raises:
        ConfigError: the folder holds data of another face, build or camera.
        InputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, setup: Setup, actuators: int) -> None:
        self._type = record_type(actuators)
        self._path = folder / RECORDS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / SETUP).exists():
                check_setup(folder, setup)
            else:
                write_whole(folder / SETUP, json.dumps(asdict(setup), indent=2) + "\n")
            good, whole = _good_records(self._path, self._type)
            # Unbuffered: the operating system has a record as soon as it is written, even if this
            # process is killed.
            self._file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
            self._file.truncate(whole * self._type.itemsize)
            self._file.seek(0, 2)
        except OSError as e:
            raise InputError(f"cannot write to {folder}: {e.strerror}", "--out FOLDER") from e
        self.done = frozenset(int(i) for i in good["pose"] if i >= 0)

    def add(
        self,
        pose: int,
        kind: str,
        time: float,
        commands: Floats,
        landmarks: Floats | None = None,
        head: Floats | None = None,
        spread: float = float("nan"),
    ) -> None:
        """Append one record and hand it to the operating system.

        Raises:
            OSError: the disk is full; earlier records are kept.
        """
        row = np.zeros(1, self._type)
        row["pose"], row["kind"], row["time"] = pose, KINDS.index(kind), time
        row["spread"], row["commands"] = spread, commands
        row["landmarks"] = np.nan if landmarks is None else landmarks
        row["head"] = np.nan if head is None else head
        row["crc"] = _crc(row)
        remaining = row.tobytes()
        while remaining:  # a full disk accepts a part; the next write raises the error
            remaining = remaining[self._file.write(remaining) :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def load(folder: Path, face: FaceConfig) -> Dataset:
    """Read all undamaged records of a folder.

    Raises:
        InputError: the folder holds no data.
        ConfigError: the data is of another face.
    """
    setup = read_setup(folder, face.name)
    if setup.face != face.name or setup.face_hash not in face.hashes:
        raise ConfigError(
            f"{folder} holds data of {setup.face} ({setup.face_hash}), "
            f"this face is {face.name} ({face.hash})",
            f"mien calibrate all --face {face.name}",
        )
    rows, _ = _good_records(folder / RECORDS, record_type(len(face.names)))
    with np.errstate(invalid="ignore"):  # there are two kinds of NaN, and one warns
        wide = {name: rows[name].astype(np.float64) for name in _WIDE}
    return Dataset(setup=setup, pose=rows["pose"].copy(), kind=rows["kind"].copy(), **wide)


def read_setup(folder: Path, face: str) -> Setup:
    """Identity of face, mechanism and camera of a folder's data.

    Raises:
        InputError: the folder holds no data, or the file cannot be read.
    """
    path = folder / SETUP
    try:
        return _setup(read_object(path))
    except FileNotFoundError as e:
        raise InputError(
            f"{folder} holds no calibration data: there is no {SETUP}",
            f"mien calibrate collect --face {face} --out {folder}",
        ) from e
    except (OSError, ValueError, TypeError) as e:
        raise InputError(
            f"{path}, the identity of the data, cannot be read: {e}",
            f"mien calibrate all --face {face} --out {folder}-2",
        ) from e


def check_setup(folder: Path, setup: Setup) -> None:
    """Refuse to mix data of different robots.

    Raises:
        ConfigError: the folder's data is of another face, build or camera.
    """
    stored = read_setup(folder, setup.face)
    if stored != setup:
        differ = [
            f"{k} is {getattr(stored, k)} there and {v} here"
            for k, v in asdict(setup).items()
            if getattr(stored, k) != v
        ]
        raise ConfigError(
            f"{folder} holds data of another robot or another camera: {'; '.join(differ)}",
            f"mien calibrate all --face {setup.face} --out {folder}-2",
        )


def _good_records(path: Path, layout: np.dtype[np.void]) -> tuple[NDArray[np.void], int]:
    """The undamaged records, and the number of whole records in the file."""
    data = read_bytes(path, MAX_BYTES) if path.exists() else b""
    rows = np.frombuffer(data[: len(data) // layout.itemsize * layout.itemsize], layout)
    good = [rows["crc"][k] == _crc(rows[k : k + 1]) for k in range(len(rows))]
    sane = (rows["kind"] >= 0) & (rows["kind"] < len(KINDS)) & np.isfinite(rows["time"])
    sane &= np.isfinite(rows["commands"]).all(axis=1)
    return rows[np.array(good, dtype=bool) & sane], len(rows)


def _setup(content: dict[str, Any]) -> Setup:
    """A setup from its file.

    Raises:
        TypeError: a field is unknown, missing or of another type.
    """
    setup = Setup(**content)
    for name, value in asdict(setup).items():
        expected = int if name in ("build", "version") else str
        if type(value) is not expected:
            raise TypeError(f"{name} is {excerpt(value)}, expected {expected.__name__}")
    return setup


def _crc(row: NDArray[np.void]) -> int:
    return zlib.crc32(row.tobytes()[: row.dtype.fields["crc"][1]])  # type: ignore[index]
