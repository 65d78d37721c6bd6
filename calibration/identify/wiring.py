"""What the first pass says of the wiring: stuck, loose, reversed or swapped actuators.

Each actuator has moved alone by then. Its response is compared with that of a known robot of the
same design (the self-model that ships), as one number: how many times the known response it
contains. That number averages over all landmarks that the actuator should move, so a camera with 2
mm of noise is good enough for a lid that moves 3.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.models.errors import ModelError
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

FINDINGS = "first_pass.json"
What = Literal["stuck", "loose", "reversed", "swapped"]
_WEAK = 0.2  # of the known response; a healthy one has 0.6 to 1.4 before a camera that sees it all
_STILL, _MOVES = 20.0, 40.0  # standard errors of the noise's energy: rendered, still ones have
# -11 to 20, the weakest brow 36
_ALIKE = 0.6  # of another actuator's response: it moves that one's place
_SURE = 3.0  # standard errors


@dataclass(frozen=True)
class Finding:
    """Something wrong with one actuator.

    Attributes:
        actuator: its name.
        what: ``stuck`` (rigid) or ``loose`` (string): it hardly shows; ``reversed``; ``swapped``.
        share: how much of the known response was seen.
        like: with ``swapped``, whose response it has; with ``loose``, the string beside it that
            shows, where how much it should show is not known.
    """

    actuator: str
    what: What
    share: float
    like: str = ""

    def __str__(self) -> str:
        seen = f"shows {100 * self.share:.0f} % of what it should"
        if self.what == "loose" and self.like:
            seen = f"does not show, while {self.like} does"
        return {
            "stuck": f"{self.actuator} is stuck or not connected: it {seen}",
            "loose": f"{self.actuator}: its string is loose or torn: it {seen}",
            "reversed": f"{self.actuator} is reversed: set its direction the other way",
            "swapped": f"{self.actuator} moves what {self.like} should: their channels are swapped",
        }[self.what]


def known_robot(face: FaceConfig) -> SelfModel | None:
    """The self-model that ships for this design, even for another calibration of it; None: none."""
    try:
        model = self_model.read(self_model.shipped(face.name))
    except ModelError:
        return None
    return model if model.names == face.names else None


def write_findings(folder: Path, findings: list[Finding]) -> None:
    """Leave them beside the data, for the report."""
    text = json.dumps([asdict(f) | {"text": str(f)} for f in findings], indent=2)
    (folder / FINDINGS).write_text(text + "\n", encoding="utf-8")


def read_findings(folder: Path) -> list[str]:
    """What the first pass said, one sentence each; empty when all was well or nothing is there."""
    try:
        rows = json.loads((folder / FINDINGS).read_text(encoding="utf-8"))
        return [str(row["text"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def first_pass(face: FaceConfig, data: Dataset, known: SelfModel | None) -> list[Finding]:
    """Judge every actuator that ``known`` can see by its poses alone; None finds nothing."""
    if known is None:
        return []
    rest = data.landmarks[data.of("neutral")]
    single = np.flatnonzero(data.of("single"))
    if len(rest) < 3 or not len(single):
        return []
    noise = float(np.sqrt((rest.var(0).sum(-1).mean() / 3) * len(rest) / (len(rest) - 1)))
    home, still = rest.mean(0), known.landmarks(np.zeros(known.n))
    seen = data.landmarks[single] - home
    seen = seen - np.median(seen, axis=1, keepdims=True)  # the camera's sway
    said = known.landmarks(data.commands[single]) - still
    commands = data.commands[single]
    other_eyes = known.meta.get("camera", data.setup.camera) != data.setup.camera
    shows = _shown(face, known, seen, commands, noise, len(rest)) if other_eyes else {}
    found = []
    for i in known.inputs:
        mine = np.abs(commands[:, i]) > 1e-6
        energy = float(np.square(said[mine]).sum())
        if energy <= 0:
            continue
        share = float((seen[mine] * said[mine]).sum()) / energy
        error = noise * np.sqrt(1 + 1 / len(rest)) / np.sqrt(energy)
        if share > _WEAK or error * _SURE > 1 - _WEAK:
            continue  # healthy, or too small a motion to say
        finding = _explain(face, known, int(i), seen[mine], commands[mine], share, noise)
        if other_eyes and finding.what == "loose":
            continue  # a few pulls say nothing of a string that these eyes hardly follow
        if other_eyes and finding.what == "stuck":
            like = [n for n in shows if _alike(face, n, finding.actuator)]
            seen_beside = not like or max(shows[n] for n in like) > _MOVES
            if shows[finding.actuator] > _STILL or not seen_beside:
                continue
        found.append(finding)
    return found


def _shown(
    face: FaceConfig, known: SelfModel, seen: Floats, commands: Floats, noise: float, rests: int
) -> dict[str, float]:
    """How much each actuator's motions alone (P, 478, 3) at commands (P, n) show: ``_energy``."""
    out = {}
    for i in known.inputs:
        mine = np.abs(commands[:, i]) > 1e-6
        if mine.any():
            out[face.names[i]] = _energy(seen[mine], commands[mine, i], noise, rests)
    return out


def _alike(face: FaceConfig, one: str, other: str) -> bool:
    """The same actuator of the other side: eyes that follow one brow need not follow another."""
    a, b = face.actuators[one], face.actuators[other]
    place = one.rpartition("_")[0]
    same = (a.region, a.kind, place) == (b.region, b.kind, other.rpartition("_")[0])
    return bool(place) and one != other and same


def _energy(seen: Floats, u: Floats, noise: float, rests: int) -> float:
    """How far the energy of a motion (P, 478, 3) along commands (P,) is above the noise's.

    In standard errors: noise alone has a chi square of 478 x 3 degrees of freedom. The resting face
    that was taken off has noise of its own, the same in all poses.
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
    share: float,
    noise: float,
) -> Finding:
    """Why actuator ``i`` does not do what it should."""
    name = face.names[i]
    if share < -_WEAK:
        return Finding(name, "reversed", share)
    still = known.landmarks(np.zeros(known.n))
    best, most = "", 0.0
    for j in known.inputs:
        as_if = np.zeros_like(commands)
        as_if[:, j] = commands[:, i]
        said = known.landmarks(as_if) - still
        energy = float(np.square(said).sum())
        # A response that drowns in the noise cannot be recognised in it.
        if j == i or energy < (_SURE * noise) ** 2:
            continue
        times = abs(float((seen * said).sum())) / energy
        if _ALIKE < times < 1 / _ALIKE and times**2 * energy > most:
            best, most = face.names[j], times**2 * energy
    if best:
        return Finding(name, "swapped", share, best)
    loose = face.actuators[name].kind == "tendon"
    return Finding(name, "loose" if loose else "stuck", share)
