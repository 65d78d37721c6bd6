"""``mien calibrate all --region``: one region of a calibrated face is calibrated again."""

from __future__ import annotations

import numpy as np

from mien.calibration.identify import face_fit
from mien.calibration.identify.region_fit import refit_region, region_inputs
from mien.calibration.plan.excitation import limited, mixtures
from mien.calibration.verbs import history
from mien.calibration.verbs.options import Robot
from mien.calibration.verbs.session import open_session
from mien.calibration.verbs.workspace import Workspace, progress
from mien.models.self_model.model import POWERS
from mien.robot.face.config import Floats, load_face

_POSES_PER_ACTUATOR, _MIN_POSES, _SEED = 3 * POWERS, 40, 32452843


def recalibrate_region(face: str, workspace: Workspace, robot: Robot, region: str) -> bool:
    """Move the actuators of a region only, and fit them again. Returns whether the model changed.

    Raises:
        InputError: there is no such region, no calibration, or too few poses were seen.
    """
    config = load_face(face)
    with workspace.resumable("all"):
        model = workspace.model(config)
        inputs = region_inputs(config, model, region)
        count = max(_MIN_POSES, _POSES_PER_ACTUATOR * len(inputs))
        moving = np.zeros(len(config.names), dtype=bool)
        moving[model.inputs[inputs]] = True
        goals = mixtures(config, count, robot.seed + _SEED)
        goals = limited(config, np.where(moving, goals, 0.0))
        with open_session(config, workspace, robot, "region") as rig, progress(region) as shown:
            sent, seen = np.empty_like(goals), list[Floats]()
            try:
                rig.start()
                for k, goal in enumerate(goals):
                    sent[k] = rig.move_to(goal)
                    seen.append(rig.observe().landmarks)
                    shown(k + 1, count)
            finally:
                rig.stop()
        found = refit_region(config, model, region, sent, np.array(seen))
        if found.better:
            face_fit.save(workspace.folder, found.model)
        numbers: dict[str, float | str] = {
            "region": region,
            "poses": count,
            "before_mm": found.before_mm,
            "after_mm": found.after_mm,
        }
        history.record(workspace, "region", numbers)
    print(f"{region}: {', '.join(found.actuators)}")
    errors = f"error {found.before_mm:.2f} mm, {found.after_mm:.2f} mm after the fit"
    print(errors if found.better else f"{errors}; nothing was changed")
    return found.better
