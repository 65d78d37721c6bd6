"""One session with the robot that the user named: opened, told to later commands, counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mien.calibration.capture.connect import open_studio
from mien.calibration.capture.hardware_rig import LiveStudio
from mien.calibration.capture.rig import Studio
from mien.calibration.verbs.options import Robot
from mien.calibration.verbs.workspace import Place
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.config import FaceConfig


@contextmanager
def session(face: FaceConfig, place: Place, robot: Robot, stage: str) -> Iterator[Studio]:
    """Open it; however the session ends, ``metrics.json`` has what camera and link had to say.

    Raises:
        InputError, DeviceError: see ``open_studio``.
    """
    before = place.metrics().get("opened", {})
    place.merge({"opened": robot.said()})  # what is not there today is told to later commands, too
    try:
        studio = _opened(face, place, robot)
    except InputError as e:  # but never what cannot be
        place.merge({"opened": before})
        raise InputError(e.message, e.hint or place.command(stage)) from e
    try:
        yield studio
    except ConfigError:  # another robot than the folder's
        place.merge({"opened": before})
        raise
    finally:
        drop(place, stage, studio.dropped)
        if isinstance(studio, LiveStudio):  # the rig's link and camera are of no interest
            place.merge(studio.report())


def _opened(face: FaceConfig, place: Place, robot: Robot) -> Studio:
    return open_studio(
        face,
        robot.port,
        robot.camera,
        robot.build,
        robot.seed,
        place.folder,
        1e-3 * robot.delay_ms,
        robot.faults,
    )


def drop(place: Place, stage: str, dropped: Mapping[str, int]) -> None:
    """Leave how many pictures a stage did not use, by reason."""
    counts: dict[str, Any] = place.metrics().get("dropped", {})
    place.merge({"dropped": counts | {stage: dict(dropped)}})
