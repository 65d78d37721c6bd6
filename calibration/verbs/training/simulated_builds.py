"""Poses of simulated builds, as the true landmarks and as a tracker sees them: what a prior learns.

Each build is another robot of the same design, with tolerances, and for most builds another light,
skin, lens and place of the camera. One file per build, so that an interrupted generation goes on
where it stopped. A file names the mechanism that it was made with.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from mien.calibration.capture.capture_rig import ConnectedFace
from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NO_FACE
from mien.calibration.capture.open_rig import mechanism_hash, settled_dots
from mien.calibration.capture.sim_rig import SimRig
from mien.calibration.plan.excitation import limited, mixtures, with_tendon_excitation
from mien.models.formats import read_arrays, write_arrays
from mien.robot.errors import DeviceError, MienError
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.link.board import Board
from mien.robot.sim.builds import Build
from mien.robot.sim.camera import Optics, RenderedCamera
from mien.robot.sim.head import Head
from mien.robot.sim.render import CameraView, Light
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard

VERSION = 2
FIRST_SEED: Final = 200
"""Seed of the first build to learn from. Smaller ones are for tests and benches."""
POSES, PICTURES = 80, 40
"""Poses of a build, and how many of them are also rendered and tracked."""
WITH_PICTURES, WITH_DOTS = 3, 6
"""Every so many builds one is rendered (a picture takes as long as five poses), and one is rendered
with dots on its skin."""
_ARRAYS = ("commands", "rest", "true", "seen", "marked")
_RESTS = 5  # pictures of the dots at rest
_WIDE_SHARE, _WIDE = 0.4, 1.6  # share of the builds with wider tolerances, and their factor
_PLAIN_SHARE = 0.3  # of the builds: the default camera in the default light


@dataclass(frozen=True, eq=False)
class BuildSample:
    """Poses of one build, in the order they were visited, from rest.

    Attributes:
        face_hash: hash of the face.
        mechanism: hash of the mechanism's file.
        wider: factor on the tolerances.
        plain: whether the camera is the default one in the default light.
        commands: (P, n) as sent.
        rest: (478, 3) mm, true landmarks at rest.
        true: (P, 478, 3) mm, displacement from rest.
        seen: (Q, 478, 3) mm, the tracked displacement of the first Q poses; NaN without a face.
            Q is 0 without a camera.
        marked: (Q, 478, 3) mm, the same from dots on the skin.
    """

    face_hash: str
    mechanism: str
    wider: float
    plain: bool
    commands: Floats
    rest: Floats
    true: Floats
    seen: Floats
    marked: Floats

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in _ARRAYS:
            content[name] = content[name].astype(np.float32)
        write_arrays(path, VERSION, content)

    @classmethod
    def load(cls, path: Path) -> BuildSample:
        """Read a file.

        Raises:
            OSError, KeyError, ValueError: it is missing or damaged.
        """
        z = read_arrays(path, VERSION)
        return cls(
            str(z["face_hash"]),
            str(z["mechanism"]),
            float(z["wider"]),
            bool(z["plain"]),
            *(z[name].astype(np.float64) for name in _ARRAYS),
        )


def sample_path(folder: Path, seed: int) -> Path:
    """File of a build."""
    return folder / f"build_{seed}.npz"


def is_done(folder: Path, face: FaceConfig, seed: int) -> bool:
    """Whether the build's file is whole, and was made with today's face and mechanism."""
    try:
        found = BuildSample.load(sample_path(folder, seed))
    except (OSError, KeyError, ValueError):
        return False
    return found.face_hash == face.hash and found.mechanism == mechanism_hash(face)


def sample_build(face: FaceConfig, seed: int) -> BuildSample:
    """Visit the poses of a build.

    Raises:
        DeviceError: no OpenGL.
        MienError: the rig left physics.
    """
    rng = np.random.default_rng([seed, 0xB1D])
    wider = _WIDE if rng.uniform() < _WIDE_SHARE else 1.0
    rig = Rig(face, Build(seed, (("", wider),)))
    plain = bool(rng.uniform() < _PLAIN_SHARE)
    optics, stranger = Optics(), False
    if not plain:
        rig.head = _tinted(rig.head, rng)
        optics, stranger = _optics(rng), bool(rng.uniform() < 0.5)
    camera = None
    if seed % WITH_PICTURES == 0:
        camera = RenderedCamera(rig, optics, seed, closely=True, stranger=stranger)
    dots = _Dots(rig, face, seed) if seed % WITH_DOTS == 0 else None
    goals = with_tendon_excitation(face, mixtures(face, POSES, seed), seed)
    goals = limited(face, goals)
    line = SimBoard(rig)
    board = Board(face, line, line.now)
    board.connect()
    setup = Setup(face.name, face.hash, mechanism_hash(face), seed, "rendered")
    at = ConnectedFace(face, board, line, setup, board.close)
    robot = SimRig(at, lambda: NO_FACE, rig.landmarks, rig.head_pose)
    commands, true, seen, marked = [], [], [], []
    try:
        robot.start()
        rest = rig.landmarks()
        for k, goal in enumerate(goals):
            commands.append(robot.move_to(goal))
            robot.settle()
            true.append(rig.landmarks() - rest)
            if camera is not None and k < PICTURES:
                landmarks = camera.detect(rig).landmarks
                lost = np.full_like(rest, np.nan)
                seen.append(lost if landmarks is None else landmarks - camera.reference)
            if dots is not None and k < PICTURES:
                marked.append(dots.displacement(rig))
    finally:
        robot.stop()
        if camera is not None:
            camera.close()
        if dots is not None:
            dots.close()
    return BuildSample(
        face_hash=face.hash,
        mechanism=mechanism_hash(face),
        wider=wider,
        plain=plain,
        commands=np.array(commands),
        rest=rest,
        true=np.array(true),
        seen=np.array(seen).reshape(-1, *rest.shape),
        marked=np.array(marked).reshape(-1, *rest.shape),
    )


class _Dots:
    """Cameras before a rig at rest with dots on its skin, and their tracker."""

    def __init__(self, rig: Rig, face: FaceConfig, seed: int) -> None:
        self._cameras, self._tracker = settled_dots(face, rig, seed)
        rest = [self._tracker.track(self._cameras.pictures(rig)).landmarks for _ in range(_RESTS)]
        self._rest = np.mean(rest, axis=0)

    def displacement(self, rig: Rig) -> Floats:
        """Displacement (478, 3) mm from rest, as the dots show it; NaN where too few are seen."""
        found = self._tracker.track(self._cameras.pictures(rig)).landmarks
        return np.asarray(found - self._rest, dtype=np.float64)

    def close(self) -> None:
        """Release cameras and tracker."""
        self._cameras.close()
        self._tracker.close()


def generate(face: FaceConfig, folder: Path, seeds: range) -> list[int]:
    """Write the files of builds that are not there yet. Returns the seeds that could not be made.

    Raises:
        DeviceError: no OpenGL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for seed in seeds:
        if is_done(folder, face, seed):
            continue
        try:
            sample_build(face, seed).save(sample_path(folder, seed))
        except DeviceError:
            raise
        except MienError:  # a build whose tolerances leave physics
            failed.append(seed)
    return failed


def _tinted(head: Head, rng: np.random.Generator) -> Head:
    """The head with another colour of the skin."""
    level = rng.uniform(0.55, 1.1)
    tint = (level * rng.uniform(0.92, 1.08, 3)).astype(np.float32)
    skin = head.parts["skin"]
    colours = np.clip(skin.colors * tint, 0.0, 1.0).astype(np.float32)
    image = head.paint.image.astype(np.float32)
    image[..., :3] *= tint ** (1.0 / 2.2)  # the picture is in sRGB
    painted = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return replace(
        head,
        parts={**head.parts, "skin": replace(skin, colors=colours)},
        paint=replace(head.paint, image=painted),
    )


def _optics(rng: np.random.Generator) -> Optics:
    """A camera in front of the face, and a light, drawn at random."""
    fov = float(rng.uniform(14.0, 45.0))
    # The default view has the face in three fifths of the picture.
    far = 960.0 * np.tan(np.radians(10.0)) / np.tan(np.radians(fov) / 2) * rng.uniform(0.9, 1.35)
    yaw, pitch = np.radians(rng.normal(0.0, (5.0, 5.0)))
    target = np.array([0.0, -14.0, 0.0]) + rng.normal(0.0, 8.0, 3) * (1.0, 1.0, 0.0)
    place = target + far * np.array(
        [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
    )

    def near(direction: tuple[float, float, float], spread: float) -> tuple[float, float, float]:
        x, y, z = np.array(direction) + rng.normal(0.0, spread, 3)
        return float(x), float(y), float(z)

    def scaled(colour: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
        r, g, b = np.array(colour) * factor * rng.uniform(0.9, 1.1, 3)
        return float(r), float(g), float(b)

    plain = Light()
    key, room = rng.uniform(0.6, 1.2), rng.uniform(0.7, 1.6)
    light = Light(
        key=near((rng.choice([-1.0, 1.0]) * 0.5, 0.62, 0.8), 0.3),
        fill=near(plain.fill, 0.3),
        rim=near(plain.rim, 0.3),
        key_color=scaled(plain.key_color, key),
        fill_color=scaled(plain.fill_color, rng.uniform(0.5, 2.0)),
        rim_color=scaled(plain.rim_color, rng.uniform(0.3, 1.5)),
        sky=scaled(plain.sky, room),
        ground=scaled(plain.ground, room),
        backdrop=scaled(plain.backdrop, rng.uniform(0.3, 1.4)),
        level=float(rng.uniform(0.75, 1.15)),
    )
    x, y, z = place
    tx, ty, tz = target
    view = CameraView((float(x), float(y), float(z)), (float(tx), float(ty), float(tz)), fov)
    return Optics(view, light, float(rng.uniform(0.3, 1.2)), float(rng.uniform(1.0, 4.0)))
