"""Pictures of the rig for people: every actuator at its ends, and random poses, on one sheet.

python -m tests.bench.robot.contact_sheet sheet.png [--face hobby9] [--build 3] [--random 20]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.robot.face.config import FaceConfig, load_face
from mien.robot.sim.render import CameraView, Renderer
from mien.robot.sim.rig import Rig
from tests.bench.robot.rig_measures import landmarks_at, random_poses

F64 = NDArray[np.float64]
WIDTH, HEIGHT, COLUMNS = 225, 270, 8
IN_VIEW = 0.3  # share of the neck's range at which a random pose stays in the picture
INK = (250, 235, 120)
VIEW = CameraView(position=(0.0, -22.0, 960.0), target=(0.0, -24.0, 0.0), fov_deg=13.5)


def poses_of(face: FaceConfig, random: int) -> Iterator[tuple[str, F64]]:
    """Neutral; each actuator (with its twin on the right) at both ends; then random poses."""
    neutral = np.zeros(len(face.names))
    yield "neutral", neutral
    for k, name in enumerate(face.names):
        twin = name.removesuffix("_left") + "_right"
        if name.endswith("_right") and name.removesuffix("_right") + "_left" in face.names:
            continue
        for value in face.limits[k][face.limits[k] != 0.0]:
            pose = neutral.copy()
            pose[k] = value
            if name.endswith("_left") and twin in face.names:
                pose[face.index(twin)] = value
            yield f"{name.removesuffix('_left')} {value:+.1f}", pose
    neck = np.array([a.region == "neck" for a in face.actuators.values()])
    for k, pose in enumerate(random_poses(face, random, seed=7)):
        yield f"random {k + 1}", np.where(neck, IN_VIEW * pose, pose)


def sheet(
    path: Annotated[Path, typer.Argument(help="The PNG to write.")],
    face: Annotated[str, typer.Option(help="A face's name or file.")] = "morpheus33",
    build: Annotated[int, typer.Option(help="Seed of the robot.")] = 0,
    random: Annotated[int, typer.Option(help="How many random poses.")] = 20,
) -> None:
    """Draw the sheet."""
    config = load_face(face)
    rig = Rig(config, build)
    cells = []
    with Renderer(rig.head, WIDTH, HEIGHT) as renderer:
        for label, pose in poses_of(config, random):
            rig.reset()
            landmarks_at(rig, pose[None])
            state = rig.skin_state()
            picture = Image.fromarray(renderer.render(rig.skin.deform(state), state.head, VIEW))
            ImageDraw.Draw(picture).text((4, 4), label, fill=INK)
            cells.append(picture)
    rows = -(-len(cells) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * WIDTH, rows * HEIGHT), (40, 40, 42))
    for k, cell in enumerate(cells):
        page.paste(cell, (k % COLUMNS * WIDTH, k // COLUMNS * HEIGHT))
    page.save(path)
    typer.echo(str(path))


if __name__ == "__main__":
    typer.run(sheet)
