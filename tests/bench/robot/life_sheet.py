"""Pictures of life and attention on the rig: one comes, it speaks, another comes, all go.

python -m tests.bench.robot.life_sheet sheet.png [--head-gain 0] [--seed 1]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from PIL import Image, ImageDraw

from mien.models.face.blendshapes import FPS
from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.expression import speech
from mien.robot.expression.attention import Person
from mien.robot.expression.emotion.prosody import loudness, voice
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats, load_face
from mien.robot.face.solver import FaceSolver
from mien.robot.link.board import Board
from mien.robot.live.streaming_layers import LiveExpression
from mien.robot.media.audio import RATE
from mien.robot.sim.render import CameraView, Renderer
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from tests.bench.robot.outside import demo_sentence

WIDTH, HEIGHT, COLUMNS = 225, 270, 8
VIEW: Final = CameraView(position=(0.0, -22.0, 960.0), target=(0.0, -24.0, 0.0), fov_deg=13.5)
SECONDS: Final = 16.0
SPEAKS_S: Final = 5.0
EVERY_S: Final = 0.4
INK = (250, 235, 120)


def people_at(t: float) -> tuple[Person, ...]:
    """Who is there at ``t`` s: one to the face's left, later a second one, later nobody."""
    one, other = Person(1, 25.0, 2.0, 1.2), Person(2, -20.0, -4.0, 0.9)
    return (one,) * (2.5 <= t < 10.0) + (other,) * (8.0 <= t < 11.0)


def commands(calibrated: Calibrated, seed: int, head_gain: float) -> tuple[Floats, list[str]]:
    """Commands (T, n) of the scene, and a label for every frame."""
    now = 0.0

    def people() -> tuple[Person, ...] | None:
        return people_at(now) if round(now * FPS) % 8 == 0 else None

    frames = round(SECONDS * FPS)
    sound = np.zeros(round(SECONDS * RATE), np.float32)
    said = demo_sentence()[: int(2.8 * RATE)]
    sound[int(SPEAKS_S * RATE) :][: len(said)] = said
    spoken = speech.speak(sound)[:frames]
    level, gate = loudness(sound, RATE, frames), voice(sound, RATE, frames)
    face, solver = LiveExpression(seed, head_gain=head_gain, people=people), FaceSolver(calibrated)
    out, labels = [], []
    for k in range(frames):
        now = k / FPS
        weights, head = face.frame(spoken[k], float(level[k]), float(gate[k]))
        out.append(solver.solve(weights, head, 1 / FPS).commands)
        said_now = " speaks" if gate[k] > 0.5 else ""
        labels.append(f"{now:.1f} s  follows {face.attention.followed}{said_now}")
    return np.array(out), labels


def sheet(
    path: Annotated[Path, typer.Argument(help="The PNG to write.")],
    face: Annotated[str, typer.Option(help="A face's name or file.")] = "morpheus33",
    seed: Annotated[int, typer.Option(help="Of the face's life.")] = 1,
    head_gain: Annotated[float, typer.Option(help="0 keeps the head still.")] = 1.0,
) -> None:
    """Draw the sheet."""
    calibrated = Calibrated(load_face(face), None)
    poses, labels = commands(calibrated, seed, head_gain)
    rig = Rig(calibrated.face)
    sim = SimBoard(rig)
    board = Board(calibrated.face, sim, sim.now)
    board.connect()
    cells: list[Image.Image] = []
    with Renderer(rig.head, WIDTH, HEIGHT) as renderer:
        ticks = 0

        def watch(tick: Tick) -> None:
            nonlocal ticks
            if tick.t < -1e-9:
                return
            if ticks % round(EVERY_S * RATE_HZ) == 0:
                state = rig.skin_state()
                picture = Image.fromarray(renderer.render(rig.skin.deform(state), state.head, VIEW))
                ImageDraw.Draw(picture).text((4, 4), labels[min(ticks, len(labels) - 1)], fill=INK)
                cells.append(picture)
            ticks += 1

        Loop(calibrated.face, board, sim, watch).play(
            lambda t: poses[min(max(round(t * FPS), 0), len(poses) - 1)], SECONDS
        )
    board.close()
    rows = -(-len(cells) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * WIDTH, rows * HEIGHT), (40, 40, 42))
    for k, cell in enumerate(cells):
        page.paste(cell, (k % COLUMNS * WIDTH, k // COLUMNS * HEIGHT))
    page.save(path)
    typer.echo(str(path))


if __name__ == "__main__":
    typer.run(sheet)
