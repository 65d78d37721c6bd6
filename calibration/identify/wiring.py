"""The wiring check: finds stuck, slack, reversed and swapped actuators.

It runs after each actuator has moved alone. The response of an actuator is compared with that of a
known robot of the same design (the self-model that ships). The result is one number, the gain by
which the response contains the known one. The gain averages over all landmarks that the actuator
should move. A camera with 2 mm of noise is therefore good enough for a lid that moves 3 mm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.models.errors import ModelError
from mien.models.formats import read_json
from mien.models.reading import json_file
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.runs import write_json

FINDINGS = "first_pass.json"
FaultKind = Literal["stuck", "slack", "reversed", "swapped"]
_WEAK_GAIN = 0.2  # a healthy actuator has 0.6 to 1.4, before a camera that sees its motion
# Energy in standard errors of the noise's energy. On the rendered rig, still actuators have -11 to
# 20, and the weakest brow has 36.
_MAX_ENERGY_STILL, _MIN_ENERGY_MOVING = 20.0, 40.0
_MIN_SWAPPED_GAIN = 0.6  # of another actuator's response
_MIN_SIGMAS = 3.0


@dataclass(frozen=True)
class Finding:
    """A fault of one actuator.

    Attributes:
        actuator: its name.
        what: ``stuck`` (rigid actuator) or ``slack`` (tendon): it hardly moves the skin;
            ``reversed``; ``swapped``.
        gain: gain of the known response in the observed one.
        like: with ``swapped``, the actuator whose response it has; with ``slack``, the tendon on
            the other side, where the size of the response is unknown.
    """

    actuator: str
    what: FaultKind
    gain: float
    like: str = ""

    def __str__(self) -> str:
        seen = f"its response is {100 * self.gain:.0f} % of that of a healthy one"
        if self.what == "slack" and self.like:
            seen = f"the camera does not see it move, but it sees {self.like}"
        return {
            "stuck": f"{self.actuator} is stuck or not connected: {seen}",
            "slack": f"{self.actuator}: its tendon is slack or torn: {seen}",
            "reversed": f"{self.actuator} is reversed: invert its direction in the face's YAML",
            "swapped": f"{self.actuator} moves what {self.like} should: their channels are swapped",
        }[self.what]


def reference_model(face: FaceConfig) -> SelfModel | None:
    """The self-model that ships for this design, of any robot; None if there is none."""
    try:
        model = self_model.read(self_model.shipped(face.name))
    except ModelError:
        return None
    return model if model.names == face.names else None


def save_findings(folder: Path, findings: list[Finding]) -> None:
    """Write the findings beside the data, for the report."""
    rows = [asdict(f) | {"text": str(f)} for f in findings]
    write_json(folder / FINDINGS, {"findings": rows})


def read_findings(folder: Path) -> list[str]:
    """The findings, one sentence each; empty without findings or without the file."""
    path = folder / FINDINGS
    try:
        try:
            rows = read_json(path)["findings"]
        except ValueError:  # before the file had a version, it was a list
            rows = json_file.read_json(path)
        return [str(row["text"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def check_wiring(face: FaceConfig, data: Dataset, known: SelfModel | None) -> list[Finding]:
    """Check every network input of ``known`` by its single poses.

    Args:
        face: the face.
        data: observations so far.
        known: self-model of a robot of the same design; None: nothing is checked.
    """
    if known is None:
        return []
    rest = data.landmarks[data.of("neutral")]
    single = np.flatnonzero(data.of("single"))
    if len(rest) < 3 or not len(single):
        return []
    noise = float(np.sqrt((rest.var(0).sum(-1).mean() / 3) * len(rest) / (len(rest) - 1)))
    home, still = rest.mean(0), known.landmarks(np.zeros(known.n))
    seen = data.landmarks[single] - home
    seen = seen - np.median(seen, axis=1, keepdims=True)  # the camera's drift
    expected = known.landmarks(data.commands[single]) - still
    commands = data.commands[single]
    other_camera = known.meta.get("camera", data.setup.camera) != data.setup.camera
    energies = _energies(face, known, seen, commands, noise, len(rest)) if other_camera else {}
    found = []
    for i in known.inputs:
        mine = np.abs(commands[:, i]) > 1e-6
        energy = float(np.square(expected[mine]).sum())
        if energy <= 0:
            continue
        gain = float((seen[mine] * expected[mine]).sum()) / energy
        error = noise * np.sqrt(1 + 1 / len(rest)) / np.sqrt(energy)
        if gain > _WEAK_GAIN or error * _MIN_SIGMAS > 1 - _WEAK_GAIN:
            continue  # healthy, or its motion is too small for a decision
        finding = _explain(face, known, int(i), seen[mine], commands[mine], gain, noise)
        if other_camera and finding.what == "slack":
            continue  # the few single poses do not decide; slack_tendons() does later
        if other_camera and finding.what == "stuck":
            mirrored = [n for n in energies if _are_mirrored(face, n, finding.actuator)]
            moving = not mirrored or max(energies[n] for n in mirrored) > _MIN_ENERGY_MOVING
            if energies[finding.actuator] > _MAX_ENERGY_STILL or not moving:
                continue
        found.append(finding)
    return found


def _energies(
    face: FaceConfig, known: SelfModel, seen: Floats, commands: Floats, noise: float, rests: int
) -> dict[str, float]:
    """Energy (see ``_energy``) of each actuator's own motion (P, 478, 3) at commands (P, n)."""
    out = {}
    for i in known.inputs:
        mine = np.abs(commands[:, i]) > 1e-6
        if mine.any():
            out[face.names[i]] = _energy(seen[mine], commands[mine, i], noise, rests)
    return out


def _are_mirrored(face: FaceConfig, one: str, other: str) -> bool:
    """Whether two actuators are the left and right one of a pair."""
    a, b = face.actuators[one], face.actuators[other]
    place = one.rpartition("_")[0]
    same = (a.region, a.kind, place) == (b.region, b.kind, other.rpartition("_")[0])
    return bool(place) and one != other and same


def _energy(seen: Floats, u: Floats, noise: float, rests: int) -> float:
    """Energy of a motion (P, 478, 3) along commands (P,) above that of noise, in standard errors.

    The energy of noise alone has a chi-squared distribution with 478 x 3 degrees of freedom. The
    mean face at rest, of ``rests`` observations, adds the same noise to all poses.
    """
    power = float(np.square(u).sum())
    slope = np.einsum("p,plk->lk", u, seen) / power
    variance = noise**2 * (1.0 / power + (float(u.sum()) / power) ** 2 / rests)
    degrees = slope.size
    above = float(np.square(slope).sum()) / variance - degrees
    return float(above / (2.0 * degrees) ** 0.5)


def _explain(
    face: FaceConfig,
    known: SelfModel,
    i: int,
    seen: Floats,
    commands: Floats,
    gain: float,
    noise: float,
) -> Finding:
    """The fault of actuator ``i``, whose response contains the known one with ``gain``."""
    name = face.names[i]
    if gain < -_WEAK_GAIN:
        return Finding(name, "reversed", gain)
    still = known.landmarks(np.zeros(known.n))
    best, most = "", 0.0
    for j in known.inputs:
        as_if = np.zeros_like(commands)
        as_if[:, j] = commands[:, i]
        expected = known.landmarks(as_if) - still
        energy = float(np.square(expected).sum())
        # A response below the noise cannot be recognised.
        if j == i or energy < (_MIN_SIGMAS * noise) ** 2:
            continue
        other = abs(float((seen * expected).sum())) / energy
        in_range = _MIN_SWAPPED_GAIN < other < 1 / _MIN_SWAPPED_GAIN
        if in_range and other**2 * energy > most:
            best, most = face.names[j], other**2 * energy
    if best:
        return Finding(name, "swapped", gain, best)
    slack = face.actuators[name].kind.can_go_slack
    return Finding(name, "slack" if slack else "stuck", gain)
