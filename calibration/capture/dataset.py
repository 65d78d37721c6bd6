"""What was babbled and seen, on disk: records of one size appended to one file.

A record is complete or it is not there: each ends with its CRC. One that was being written when the
power went is cut off when collecting goes on; one that was damaged later is left out, and its pose
is visited again.
``setup.json`` says whose data it is.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.calibration.plan.excitation import KINDS
from mien.models.face.regions import COUNT
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.config import FaceConfig, Floats

RECORDS, SETUP = "poses.bin", "setup.json"
VERSION = 2
"""Of what a look is: 2, before a camera, the tracker's with the skin followed from rest."""


@dataclass(frozen=True)
class Setup:
    """Whose data it is; two data sets mix only if all of this is equal.

    Attributes:
        face, face_hash: the face's name and configuration.
        mechanism: hash of the rig's mechanism, or ``hardware`` and what USB says of the board.
        build: seed of the rig's tolerances; -1 on hardware.
        camera: what watched; a webcam's name.
    """

    face: str
    face_hash: str
    mechanism: str
    build: int
    camera: str
    version: int = VERSION


@dataclass(frozen=True, eq=False)
class Dataset:
    """All good records in the order they happened.

    Attributes:
        setup: whose.
        pose: (R,) index into the plan; -1 for a start, and for a pose that will be tried again.
        kind: (R,) index into ``KINDS``.
        time: (R,) s since that session's start.
        commands: (R, n) as sent.
        landmarks: (R, 478, 3) mm, NaN where the face was not seen.
        head: (R, 4, 4) pose of the head before the camera.
        spread: (R,) mm, RMS change between the last two looks: what had not settled, and noise.
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
    def seen(self) -> NDArray[np.bool_]:
        """(R,) whether the face was seen."""
        finite = np.isfinite(self.landmarks).all((1, 2))
        return np.asarray(finite & (self.kind != KINDS.index("start")))

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """(R,) held-out poses that were seen."""
        return self.of("held")

    @cached_property
    def hash(self) -> str:
        """16 hex digits of commands and landmarks."""
        digest = sha256(self.commands.astype("<f4").tobytes())
        digest.update(self.landmarks.astype("<f4").tobytes())
        return digest.hexdigest()[:16]

    @property
    def robot_s(self) -> float:
        """Seconds that the robot has moved, all sessions together."""
        ends = np.append(self.kind[1:] == KINDS.index("start"), True)[: len(self)]
        return float(self.time[ends].sum())

    def of(self, *kinds: str) -> NDArray[np.bool_]:
        """(R,) seen records of these kinds."""
        return np.asarray(self.seen & np.isin(self.kind, [KINDS.index(k) for k in kinds]))


def record_type(actuators: int) -> np.dtype[np.void]:
    """Layout of a record, little-endian."""
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


class Writer:
    """Appends records; opening it cuts off a half-written one.

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
                part = folder / f"{SETUP}.part"
                part.write_text(json.dumps(asdict(setup), indent=2) + "\n", encoding="utf-8")
                part.replace(folder / SETUP)
            good, whole = _good_records(self._path, self._type)
            # No buffer of our own: a record is the system's as soon as it is written, kill -9 or
            # not.
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
            OSError: the disk is full; what was written before is kept.
        """
        row = np.zeros(1, self._type)
        row["pose"], row["kind"], row["time"] = pose, KINDS.index(kind), time
        row["spread"], row["commands"] = spread, commands
        row["landmarks"] = np.nan if landmarks is None else landmarks
        row["head"] = np.nan if head is None else head
        row["crc"] = _crc(row)
        left = row.tobytes()
        while left:  # a disk that gets full takes a part, and says why at the next try
            left = left[self._file.write(left) :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def load(folder: Path, face: FaceConfig) -> Dataset:
    """Read all good records of a folder.

    Raises:
        InputError: nothing was collected there.
        ConfigError: it was collected on another face.
    """
    setup = read_setup(folder, face.name)
    if (setup.face, setup.face_hash) != (face.name, face.hash):
        raise ConfigError(
            f"{folder} holds data of {setup.face} ({setup.face_hash}), "
            f"this face is {face.name} ({face.hash})",
            f"mien calibrate all --face {face.name}",
        )
    rows, _ = _good_records(folder / RECORDS, record_type(len(face.names)))
    return Dataset(
        setup=setup,
        pose=rows["pose"].copy(),
        kind=rows["kind"].copy(),
        time=rows["time"].astype(np.float64),
        commands=rows["commands"].astype(np.float64),
        landmarks=rows["landmarks"].astype(np.float64),
        head=rows["head"].astype(np.float64),
        spread=rows["spread"].astype(np.float64),
    )


def read_setup(folder: Path, face: str) -> Setup:
    """Whose data a folder holds.

    Raises:
        InputError: no data, or not readable.
    """
    path = folder / SETUP
    try:
        return Setup(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as e:
        raise InputError(
            f"{folder} holds no calibration data: there is no {SETUP}",
            f"mien calibrate collect --face {face} --out {folder}",
        ) from e
    except (OSError, ValueError, TypeError) as e:
        raise InputError(
            f"{path}, which says whose data it is, cannot be read: {e}",
            f"mien calibrate all --face {face} --out {folder}-2",
        ) from e


def check_setup(folder: Path, setup: Setup) -> None:
    """Refuse to mix data.

    Raises:
        ConfigError: the folder's data is of another face, build or camera.
    """
    there = read_setup(folder, setup.face)
    if there != setup:
        differ = [
            f"{k} is {getattr(there, k)} there and {v} here"
            for k, v in asdict(setup).items()
            if getattr(there, k) != v
        ]
        raise ConfigError(
            f"{folder} holds data of another robot, or seen by other eyes: {'; '.join(differ)}",
            f"mien calibrate all --face {setup.face} --out {folder}-2",
        )


def _good_records(path: Path, layout: np.dtype[np.void]) -> tuple[NDArray[np.void], int]:
    """The undamaged records, and how many whole ones the file holds."""
    data = path.read_bytes() if path.exists() else b""
    rows = np.frombuffer(data[: len(data) // layout.itemsize * layout.itemsize], layout)
    good = [rows["crc"][k] == _crc(rows[k : k + 1]) for k in range(len(rows))]
    return rows[np.array(good, dtype=bool)], len(rows)


def _crc(row: NDArray[np.void]) -> int:
    return zlib.crc32(row.tobytes()[: row.dtype.fields["crc"][1]])  # type: ignore[index]
