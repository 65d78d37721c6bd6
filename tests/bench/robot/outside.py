"""A face before judges from outside: stills of emotions, a sentence in each, lips and lids.

Everything is played through servos, firmware and skin, rendered as a film shows it, and read by
networks that nobody of this project trained (``tests.bench.robot.judges``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.models.face.blendshapes import INDEX
from mien.models.face.emotion import EMOTIONS, blend, mix
from mien.models.face.regions import LID_GAPS, gaps, mouth_width
from mien.robot.clip.still import hold
from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.expression.emotion.track import EmotionTrack, Label
from mien.robot.expression.performance import Performance, perform
from mien.robot.expression.posture import posture
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver
from mien.robot.link.board import Board
from mien.robot.media.audio import LJ_DEMO, load
from mien.robot.sim.render import Renderer
from mien.robot.sim.render_options import FILM_LIGHT, FILM_VIEW
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.sim.skin import Skin, SkinState
from tests.bench.robot.judges.networks import CLASSES, JUDGES, read

INTENSITIES: Final = (0.35, 0.7, 1.0)
SPOKEN_INTENSITY: Final = 0.8
FRAMES_A_SENTENCE: Final = 13
SIZE: Final = (640, 480)

_STEPS = 6
_GRID: Final = (
    np.array([(i, j, _STEPS - i - j) for i in range(_STEPS + 1) for j in range(_STEPS + 1 - i)])
    / _STEPS
)  # barycentric coordinates, 0.5 mm apart on triangles of 3 mm

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Seen:
    """One picture of an emotion: which, how much, on which build."""

    emotion: str
    intensity: float
    build: int
    picture: Picture


def stills(
    calibrated: Calibrated,
    builds: Sequence[int],
    intensities: Sequence[float] = INTENSITIES,
    emotions: Sequence[str] = EMOTIONS,
) -> list[Seen]:
    """Every emotion at every intensity on every build, held until it is still."""
    wanted = [(e, i) for e in emotions for i in intensities]
    mixed = np.array([mix({e: i}) for e, i in wanted])
    commands = FaceSolver(calibrated).still(blend(mixed), posture(mixed))
    out = []
    for build in builds:
        states = hold(calibrated, commands, Rig.skin_state, build)
        pictures = drawn(calibrated, build, states)
        out += [Seen(e, i, build, p) for (e, i), p in zip(wanted, pictures, strict=True)]
    return out


def drawn(calibrated: Calibrated, build: int, states: Sequence[SkinState]) -> list[Picture]:
    """What a film shows of one robot's states."""
    rig = Rig(calibrated.face, build)
    with Renderer(rig.head, *SIZE) as renderer:
        return [renderer.render(rig.skin.deform(s), s.head, FILM_VIEW, FILM_LIGHT) for s in states]


def judged(seen: Sequence[Seen]) -> dict[str, float]:
    """Shares of stills that judges name, and whether more intensity reads as more."""
    out: dict[str, float] = {}
    known = [s for s in seen if s.emotion in CLASSES]
    truth = np.array([CLASSES.index(s.emotion) for s in known])
    intensity = np.array([s.intensity for s in known])
    means = []
    for judge in JUDGES:
        shares = read(judge, [s.picture for s in known])
        hit = (shares.argmax(axis=1) == truth) & (shares.max(axis=1) > 0)
        for value in INTENSITIES[1:]:
            out[f"{judge}_{round(10 * value):02d}"] = float(hit[intensity == value].mean())
        means.append(out[f"{judge}_10"])
        if judge == "face_api":
            full = [hit[(truth == k) & (intensity == 1.0)].mean() for k in range(len(CLASSES))]
            out["face_api_worst_10"] = float(min(full))
            for k, name in enumerate(CLASSES):
                out[f"face_api_10_{name}"] = float(full[k])
            out["rising"] = float(sum(_rises(shares[:, k], truth == k, intensity)
                                      for k in range(1, len(CLASSES))))  # fmt: skip
    out["judges_mean_10"] = float(np.mean(means))
    return out


def _rises(share: Floats, mine: NDArray[np.bool_], intensity: Floats) -> bool:
    """Does the mean share of a class grow from each intensity to the next?"""
    steps = [share[mine & (intensity == i)].mean() for i in INTENSITIES]
    return bool(np.all(np.diff(steps) > 0))


def spoken(
    calibrated: Calibrated, samples: NDArray[np.float32], build: int = 0
) -> tuple[list[Seen], float]:
    """A sentence in each emotion, and how far a blink closes the lids on film.

    Returns:
        Frames spread over each sentence; the smallest opening of the lids in the neutral sentence,
        as a share of the open eye, read at 30 frames a second.
    """
    out: list[Seen] = []
    smallest = 1.0
    for emotion in (e for e in EMOTIONS if e in CLASSES):
        track = EmotionTrack((Label({emotion: SPOKEN_INTENSITY}, -np.inf),))
        done = perform(calibrated, samples, 0, emotion_track=track)
        states, lids = _played(calibrated, done, build)
        if emotion == "neutral":
            smallest = float(lids[::2].min() / np.percentile(lids, 90))
        last = len(states) - RATE_HZ // 2
        picked = [states[k] for k in np.linspace(RATE_HZ // 3, last, FRAMES_A_SENTENCE).astype(int)]
        pictures = drawn(calibrated, build, picked)
        out += [Seen(emotion, SPOKEN_INTENSITY, build, p) for p in pictures]
    return out, smallest


def demo_sentence() -> NDArray[np.float32]:
    """The sentence that ships, (n,) at 16 kHz."""
    return load(LJ_DEMO)


def recognised(seen: Sequence[Seen], judge: str = "face_api") -> float:
    """Share of the pictures whose emotion one judge names."""
    shares = read(judge, [s.picture for s in seen])
    truth = np.array([CLASSES.index(s.emotion) for s in seen])
    return float(((shares.argmax(axis=1) == truth) & (shares.max(axis=1) > 0)).mean())


def _played(
    calibrated: Calibrated, performance: Performance, build: int
) -> tuple[list[SkinState], Floats]:
    """States of the skin and mean lid gaps (T,) mm of a clip, one a frame."""
    rig = Rig(calibrated.face, build)
    sim = SimBoard(rig)
    board = Board(calibrated.face, sim, sim.now)
    states: list[SkinState] = []
    lids: list[float] = []

    def observe(tick: Tick) -> None:
        if tick.t >= -1e-9:
            states.append(rig.skin_state())
            lids.append(float(gaps(rig.landmarks(), LID_GAPS).mean()))

    board.connect()
    lead = board.lead_s + calibrated.lag_s
    Loop(calibrated.face, board, sim, observe).play(
        performance.at(lead), len(performance.commands) / RATE_HZ, lead
    )
    board.close()
    return states, np.array(lids)


# Shapes of single sounds, as the speech network's own targets have them at their strongest.
LIPS: Final[Mapping[str, Mapping[str, float]]] = {
    "rest": {},
    "oo": {"mouthPucker": 0.9, "mouthFunnel": 0.25, "jawOpen": 0.1},
    "fv": {"mouthRollLower": 0.6, "mouthUpperUpLeft": 0.25, "mouthUpperUpRight": 0.25},
    "pressed": {"mouthRollUpper": 0.7, "mouthRollLower": 0.7, "mouthPressLeft": 0.3,
                "mouthPressRight": 0.3},
}  # fmt: skip


def lips(calibrated: Calibrated, builds: Sequence[int]) -> dict[str, float]:
    """After the servos, worst of the builds: how narrow oo is, how near the lower lip comes to the
    upper teeth for f and v (mm), how thin pressed lips are (of rest)."""
    rows = np.zeros((len(LIPS), len(INDEX)))
    for row, shapes in zip(rows, LIPS.values(), strict=True):
        for name, value in shapes.items():
            row[INDEX[name]] = value
    commands = FaceSolver(calibrated).still(rows, np.zeros((len(rows), 3)))
    worst: dict[str, list[float]] = {"oo_width": [], "fv_contact_mm": [], "pressed_lip_height": []}
    for build in builds:
        skin = Rig(calibrated.face, build).skin
        seen = hold(calibrated, commands, lambda rig: (rig.landmarks(), rig.skin_state()), build)
        (rest, _), (oo, _), (_, fv), (pressed, _) = seen
        worst["oo_width"].append(mouth_width(oo) / mouth_width(rest))
        worst["fv_contact_mm"].append(to_teeth(skin, fv))
        worst["pressed_lip_height"].append(_red(pressed) / _red(rest))
    return {name: max(values) for name, values in worst.items()}


def _red(points: Floats) -> float:
    """Height of the red of both lips in the middle, mm: what is seen from the front."""
    return float(points[0, 1] - points[13, 1] + points[14, 1] - points[17, 1])


def to_teeth(skin: Skin, state: SkinState) -> float:
    """How far the lower lip is from the biting edge of the upper incisors, mm.

    At every place along the edge the distance in space from its nearest point to the surface of the
    lower lip, outside or lining; the mean over the edge.
    """
    head = skin.head
    teeth = head.parts["teeth_upper"].vertices
    edge = teeth[(np.abs(teeth[:, 0]) < 8.0) & (teeth[:, 2] > teeth[:, 2].max() - 6.0)]
    edge = edge[edge[:, 1] < edge[:, 1].min() + 1.0]
    triangles = head.parts["skin"].triangles
    corners = skin.deform(state)["skin"][triangles[lower_lip(skin)[triangles].all(axis=1)]]
    surface = np.concatenate([np.einsum("c,tcx->tx", w, corners) for w in _GRID])
    apart, _ = cKDTree(surface).query(edge)
    across = np.round(edge[:, 0])
    return float(np.mean([apart[across == x].min() for x in np.unique(across)]))


def lower_lip(skin: Skin) -> NDArray[np.bool_]:
    """(V,) skin that the nodes of the lower lip carry, from its border to its lining.

    Height does not tell: at rest the upper lip's inner edge hangs below the lower lip's.
    """
    names = [node.name for node in skin.nodes]
    below = [k for k, n in enumerate(names) if n.startswith(("lip_lower", "border_lower", "chin"))]
    above = [
        k for k, n in enumerate(names) if n.startswith(("lip_upper", "border_upper", "corner"))
    ]
    mine = (skin.W[:, below].sum(axis=1) > 0.5) & (skin.W[:, above].sum(axis=1) < 0.35)
    x, y, z = skin.head.parts["skin"].vertices.T
    middle = skin.head.neutral_landmarks[[13, 14], 1].mean()
    return np.asarray(mine & (np.abs(x) < 20.0) & (np.abs(y - middle) < 20.0) & (z > 10.0))
