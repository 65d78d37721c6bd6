"""One session with a capture rig: opens it, and records options and counters in the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mien.calibration.capture.capture_rig import BoardRig, CaptureRig
from mien.calibration.capture.hardware_rig import HardwareRig
from mien.calibration.capture.open_rig import open_rig
from mien.calibration.verbs.options import Robot
from mien.calibration.verbs.ready import warn
from mien.calibration.verbs.workspace import Workspace
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.config import FaceConfig


@contextmanager
def open_session(
    face: FaceConfig, workspace: Workspace, robot: Robot, stage: str
) -> Iterator[CaptureRig]:
    """Open the capture rig for a stage.

    However the session ends, ``metrics.json`` has the counters of camera and link.

    Raises:
        InputError, DeviceError: see ``open_rig``.
    """
    before = workspace.metrics().get("opened", {})
    # Later commands name these options, even if the device is not connected today.
    workspace.merge({"opened": robot.to_options()})
    try:
        rig = _open(face, workspace, robot)
    except InputError as e:  # impossible options are not recorded
        workspace.merge({"opened": before})
        raise InputError(e.message, e.hint or workspace.command(stage)) from e
    try:
        yield rig
    except ConfigError:  # it is another robot than that of the folder
        workspace.merge({"opened": before})
        raise
    finally:
        add_dropped(workspace, stage, rig.dropped)
        for remark in rig.remarks() if isinstance(rig, BoardRig) else ():
            warn(remark)
        if isinstance(rig, HardwareRig):  # counters of the simulated ones do not matter
            workspace.merge(rig.report())


def _open(face: FaceConfig, workspace: Workspace, robot: Robot) -> CaptureRig:
    return open_rig(
        face,
        robot.port,
        robot.camera,
        robot.build,
        robot.seed,
        workspace.folder,
        1e-3 * robot.delay_ms,
        robot.faults,
    )


def add_dropped(workspace: Workspace, stage: str, dropped: Mapping[str, int]) -> None:
    """Record the number of frames that a stage did not use, by reason."""
    counts: dict[str, Any] = workspace.metrics().get("dropped", {})
    workspace.merge({"dropped": counts | {stage: dict(dropped)}})
