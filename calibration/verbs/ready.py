"""What a stage needs of the data set: enough observations, and a self-model that was fitted to it.

What is missing or left out is said, with the command that goes on. Nothing is deleted.
"""

from __future__ import annotations

import numpy as np

from mien.calibration.capture import dataset
from mien.calibration.capture.dataset import RECORDS, Dataset
from mien.calibration.capture.stabilise import Stabiliser, stabilised
from mien.calibration.plan.plan import Plan
from mien.calibration.plan.stages import PLAN
from mien.calibration.verbs.workspace import Workspace, log
from mien.models.self_model.model import SelfModel
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig

MIN_HELD_OUT = 10
"""Held-out faces of a verification, at least. A complete plan has 20 to 150."""


def data_for(
    stage: str, face: FaceConfig, workspace: Workspace, quiet: bool = False
) -> tuple[Dataset, Stabiliser]:
    """The data set of a folder without the camera's drift, if it is large enough for a stage.

    Args:
        stage: ``fit``, ``verify`` or ``report``.
        face: the face.
        workspace: of the folder.
        quiet: True: warnings are not printed.

    Raises:
        InputError: there are too few observations.
        ConfigError: the data is of another face.
    """
    data = dataset.load(workspace.folder, face)
    left = remaining(face, workspace, data)
    if not quiet:
        for warning in _left_out(data, left):
            warn(f"{warning}: {workspace.command('collect')}")
    learned = int((data.observed & ~data.of("held_out", "neck")).sum())
    skin = sum(a.region != "neck" for a in face.actuators.values())
    _require(learned, 2 * skin, "observations to learn from", workspace, data, left)
    if stage != "fit":
        held = int(data.held_out.sum())
        _require(held, MIN_HELD_OUT, "held-out observations", workspace, data, left)
    return stabilised(data)


def model_of(data: Dataset, face: FaceConfig, workspace: Workspace) -> SelfModel:
    """The folder's self-model, which was fitted to this data.

    Raises:
        InputError: there is none, it is damaged, or it was fitted to other data.
    """
    model = workspace.model(face)
    fitted = model.meta.get("records_hash", data.records_hash)  # older files do not have it
    if fitted != data.records_hash:
        raise InputError(
            f"the self-model in {workspace.folder} was fitted to other data: the records have the "
            f"hash {data.records_hash}, its own had {fitted}",
            workspace.command("fit"),
        )
    return model


def remaining(face: FaceConfig, workspace: Workspace, data: Dataset) -> int:
    """Number of planned poses that were not visited yet; 0 without a plan of this face."""
    try:
        plan = Plan.load(workspace.folder / PLAN, face)
    except InputError:
        return 0
    done, short = {int(i) for i in data.pose if i >= 0}, bool(np.isfinite(plan.minutes))
    chosen_later = plan.active if plan.needs_more_poses(done, short) else 0
    visited_last = len(plan) - plan.first_held_out if chosen_later else 0
    return len(plan.remaining(done, short)) + chosen_later + visited_last


def warn(text: str) -> None:
    """Print a warning on stderr."""
    log.print(f"warning: {text}", markup=False, highlight=False)


def _left_out(data: Dataset, left: int) -> list[str]:
    """What the data set lacks, one sentence each without its end, the command that adds it."""
    visited, out = int((data.pose >= 0).sum()), []
    if data.damaged:
        whole = len(data) + data.damaged
        out.append(f"{data.damaged} of {whole} records of {RECORDS} are damaged and left out")
    if left:
        out.append(f"only {visited} of {visited + left} planned poses were visited")
    return out


def _require(
    found: int, least: int, what: str, workspace: Workspace, data: Dataset, left: int
) -> None:
    if found >= least:
        return
    damaged = f", and {data.damaged} damaged records" if data.damaged else ""
    more = dataset.has_records(workspace.folder) and not left
    raise InputError(
        f"{workspace.folder / RECORDS} has {found} {what}{damaged}; at least {least} are needed",
        workspace.command("all", workspace.new_folder) if more else workspace.command("collect"),
    )
