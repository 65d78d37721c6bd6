"""The data set of a calibration on disk: records of fixed size, appended to one file.

A record that was half written when the power failed is cut off when collecting resumes. A record
that was damaged later is skipped and counted, and its pose is visited again.
``setup.json`` identifies face, mechanism and camera, and has the version of the records.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture.records import checksum, good_records, record_type
from mien.calibration.plan.plan import KINDS
from mien.calibration.plan.stages import RECORDS as RECORDS
from mien.calibration.plan.stages import StageCommand
from mien.models.files import write_whole
from mien.models.formats import check_version
from mien.models.reading.json_file import read_object
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.config import FaceConfig, Floats

SETUP = "setup.json"
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
        bias: hash of the tracker's bias that was taken off the observations; empty: none.
    """

    face: str
    face_hash: str
    mechanism: str
    build: int
    camera: str
    version: int = VERSION
    bias: str = ""


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
        damaged: number of records that were left out, because their bytes have changed.
        records_hash: first 16 hex digits of the SHA-256 of the records as read.
    """

    setup: Setup
    pose: NDArray[np.int32]
    kind: NDArray[np.int32]
    time: Floats
    commands: Floats
    landmarks: Floats
    head: Floats
    spread: Floats
    damaged: int = 0
    records_hash: str = ""

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


class RecordWriter:
    """Appends records to a data set. Opening it cuts off a half-written record.

    Raises:
        ConfigError: the folder holds data of another face, build or camera.
        InputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, setup: Setup, face: FaceConfig) -> None:
        self._type = record_type(len(face.names))
        self._path = folder / RECORDS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / SETUP).exists() or has_records(folder):
                check_setup(folder, setup, face)
            else:
                write_whole(folder / SETUP, json.dumps(asdict(setup), indent=2) + "\n")
            good, end, _ = good_records(self._path, self._type)
            # Unbuffered: the operating system has a record as soon as it is written, even if this
            # process is killed.
            self._file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
            _lock(self._file, folder)
            # A half-written record is cut off. Larger damaged parts stay: nothing is deleted.
            if self._file.seek(0, 2) - end < self._type.itemsize:
                self._file.truncate(end)
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
        row["crc"] = checksum(row)
        remaining = row.tobytes()
        while remaining:  # a full disk accepts a part; the next write raises the error
            remaining = remaining[self._file.write(remaining) :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _lock(file: IO[bytes], folder: Path) -> None:
    """Keep a second process from writing to the same file, where the system has locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        file.close()
        raise InputError(
            f"another command collects in {folder} now",
            "wait until it has ended, or stop it with Ctrl-C",
        ) from e


def load(folder: Path, face: FaceConfig) -> Dataset:
    """Read all undamaged records of a folder.

    Raises:
        InputError: the folder holds no data.
        ConfigError: the data is of another face.
    """
    setup = read_setup(folder, face)
    if setup.face != face.name or setup.face_hash not in face.hashes:
        raise ConfigError(
            f"{folder} holds data of {setup.face} ({setup.face_hash}), "
            f"this face is {face.name} ({face.hash})",
            StageCommand.of("all", face, folder, elsewhere=True),
        )
    rows, _, damaged = good_records(folder / RECORDS, record_type(len(face.names)))
    with np.errstate(invalid="ignore"):  # there are two kinds of NaN, and one of them warns
        wide = {name: rows[name].astype(np.float64) for name in _WIDE}
    return Dataset(
        damaged=damaged,
        records_hash=sha256(rows.tobytes()).hexdigest()[:16],
        setup=setup,
        pose=rows["pose"].copy(),
        kind=rows["kind"].copy(),
        **wide,
    )


def has_records(folder: Path, face: FaceConfig | None = None) -> bool:
    """Whether a folder holds observations, damaged or not; with ``face`` at least a whole one."""
    path = folder / RECORDS
    least = 1 if face is None else record_type(len(face.names)).itemsize
    return path.exists() and path.stat().st_size >= least


def read_setup(folder: Path, face: FaceConfig) -> Setup:
    """Identity of face, mechanism and camera of a folder's data.

    Raises:
        InputError: the folder holds no data, or the file cannot be read.
    """
    path = folder / SETUP
    try:
        content: dict[str, Any] = {"version": VERSION, "bias": ""} | read_object(path)
        check_version(content["version"], VERSION)
        expected = {f.name: f.type for f in fields(Setup)}
        found = {name: type(value).__name__ for name, value in content.items()}
        if wrong := sorted(k for k in expected | found if expected.get(k) != found.get(k)):
            raise ValueError(f"it must hold {expected}; wrong are {', '.join(wrong)}")
        return Setup(**content)
    except FileNotFoundError as e:
        records = has_records(folder)
        raise InputError(
            f"{folder} holds no calibration data: there is no {SETUP}"
            + (f", and {RECORDS} cannot be used without it" if records else ""),
            StageCommand.of("all" if records else "collect", face, folder, elsewhere=records),
        ) from e
    except (OSError, ValueError) as e:
        raise InputError(
            f"{path}, the identity of the data, cannot be read: {e}",
            StageCommand.of("all", face, folder, elsewhere=True),
        ) from e


def check_setup(folder: Path, setup: Setup, face: FaceConfig) -> None:
    """Refuse to mix data of different robots.

    Args:
        folder: holds ``setup.json``.
        setup: of the robot that is connected.
        face: of that robot.

    Raises:
        ConfigError: the folder's data is of another face, build or camera.
    """
    stored = read_setup(folder, face)
    if stored != setup:
        differ = [
            f"{k} is {getattr(stored, k)} there and {v} here"
            for k, v in asdict(setup).items()
            if getattr(stored, k) != v
        ]
        raise ConfigError(
            f"{folder} holds data of another robot or another camera: {'; '.join(differ)}",
            StageCommand.of("all", face, folder, elsewhere=True),
        )
