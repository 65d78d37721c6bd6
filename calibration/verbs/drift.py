"""``mien calibrate check`` and ``trim``: what a calibrated face needs weeks later."""

from __future__ import annotations

import numpy as np

from mien.calibration.capture import dataset
from mien.calibration.capture.connect import AUTO
from mien.calibration.identify import fit as fitting
from mien.calibration.plan.excitation import allowed, mixtures
from mien.calibration.verbs.install import ship as install
from mien.calibration.verbs.options import (
    DELAY_MS,
    Build,
    Camera,
    Delay,
    Face,
    Faults,
    Out,
    Port,
    Robot,
    Seed,
    Ship,
)
from mien.calibration.verbs.session import session
from mien.calibration.verbs.workspace import Place, say
from mien.calibration.verify.trim import (
    CHECK_POSES,
    TRIM_POSES,
    Drift,
    judge,
    shifted,
    standing,
    watch,
)
from mien.models.self_model import model as self_model
from mien.robot.errors import DeviceError, InputError
from mien.robot.face.config import FaceConfig, load_face

SAID = 8
"""Actuators that are named, the most moved first."""


def check(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
    fault: Faults = None,
) -> None:
    """Twenty poses: is the calibration still true? Keep it, trim it, or redo it."""
    config, place = load_face(face), Place.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with place.going_on_with("check"):
        drift = _drift(config, place, CHECK_POSES, robot, "check")
        place.merge({"check_verdict": drift.verdict, "check_rmse_mm": drift.rmse_mm})
    print(
        f"{drift.verdict}: error {drift.rmse_mm:.2f} mm, {drift.expected_mm:.2f} when verified, "
        f"{drift.trimmed_rmse_mm:.2f} after the best shift"
    )
    _say_shifts(config, drift)
    if drift.verdict == "trim":
        place.say_next("trim")
    elif drift.verdict == "redo":
        say(place.command("all", place.another))
    else:
        say(place.demo())


def trim(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
    fault: Faults = None,
    ship: Ship = False,
) -> None:
    """Shift the commands of a calibrated face to where its servos and strings are now."""
    config, place = load_face(face), Place.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with place.going_on_with("trim"):
        drift = _drift(config, place, TRIM_POSES, robot, "trim")
        if drift.verdict == "redo":
            _say_shifts(config, drift)
            raise InputError(
                f"no shift of the commands trims this face: error {drift.rmse_mm:.2f} mm, "
                f"{drift.trimmed_rmse_mm:.2f} after the best one, {drift.expected_mm:.2f} when "
                "verified; nothing was changed",
                place.command("all", place.another),
            )
        if drift.verdict == "keep":
            print(f"nothing to trim: error {drift.rmse_mm:.2f} mm, no actuator has surely moved")
            say(place.demo())
            return
        model = self_model.load(place.folder / fitting.MODEL, config.name, config.hash)
        fitting.save(place.folder, shifted(model, drift.shift[model.inputs]))
    print(f"error {drift.rmse_mm:.2f} -> {drift.trimmed_rmse_mm:.2f} mm")
    _say_shifts(config, drift)
    if ship:
        install(config, place)
    place.say_next("check")


def _say_shifts(face: FaceConfig, drift: Drift) -> None:
    """Who has moved, and who hardly answers."""
    most = sorted(drift.moved, key=lambda n: -abs(drift.shift[face.index(n)]))
    for name in most[:SAID]:
        i = face.index(name)
        print(f"{name:<20} moved by {drift.shift[i]:+.3f} +- {drift.error[i]:.3f} of a command")
    if len(most) > SAID:
        print(f"and {len(most) - SAID} more")
    for name in drift.broken:
        print(f"{name:<20} hardly answers: is it stuck, loose or not connected?")


def _drift(face: FaceConfig, place: Place, poses: int, robot: Robot, stage: str) -> Drift:
    """Poses the robot and compares it with the folder's calibration.

    The robot need not be the one that was calibrated: that is what is asked.
    """
    place.need_model()
    model = self_model.load(place.folder / fitting.MODEL, face.name, face.hash)
    expected = place.metrics().get("model_rmse_mm")
    if expected is None:
        raise InputError(f"{place.folder} was not verified", place.command("verify"))
    stood = standing(model, dataset.load(place.folder, face))
    with session(face, place, robot, stage) as studio:
        try:
            studio.start()
            goals = allowed(face, mixtures(face, poses, robot.seed + 15485863))
            sent, seen = watch(studio, goals)
        finally:
            studio.stop()
    found = int(np.isfinite(seen).all((1, 2)).sum())
    if 2 * found < poses:
        raise DeviceError(
            f"only {found} of {poses} poses were seen, at least half are needed",
            "the robot's face alone and whole before the camera, well lit",
        )
    return judge(face, model, sent, seen, float(expected), stood)
