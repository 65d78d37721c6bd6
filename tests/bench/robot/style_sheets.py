"""Pictures of four learned styles on the rig, and twelve without a label for somebody to sort.

    python -m tests.bench.robot.style_sheets make OUT     # needs MIEN_DATA and open_jtalk
    python -m tests.bench.robot.style_sheets score OUT/key/key.json ANSWERS.json

Four acted voices, one of each actor, tell a style each. ``reference-STYLE.png`` show one sentence
in the four, ``blind/NN.png`` other sentences in an order that ``key/key.json`` alone tells. All
sounds are those of a woman who is none of them, so nothing but the style differs between the sheets
of a sentence. A sheet has the moments at which the speech network, without a style, opens, rounds
and spreads the lips most, the mouth of each, the mean face, and where it moved.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import imageio_ffmpeg
import numpy as np
import soundfile
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.models.data.corpora.emotional import say, sentences
from mien.models.face.blendshapes import FPS, INDEX, lip_opening
from mien.robot.clip import play_on_rig
from mien.robot.expression import speech
from mien.robot.expression.performance import perform
from mien.robot.expression.voices import codes_of, style_of_voice
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats, load_face
from mien.robot.media import audio

app = typer.Typer(no_args_is_help=True)
VOICES: Final = {"A": "mei_happy", "B": "takumi_sad", "C": "tohoku-f01-angry", "D": "nitech_jp"}
"""One voice of each actor, in as many emotions. Chosen before any style was looked at."""
LEARNED: Final = 4
"""Sentences that a style is learned from."""
SECONDS: Final = (3.0, 8.0)
SPOKEN: Final = 4
"""Sentences, the first of them for the references."""
MOMENTS: Final = {"open": 4, "round": 2, "spread": 2}
APART_S, HEIGHT, INK = 0.15, 480, (250, 235, 120)
MOUTH: Final = (0.30, 0.56, 0.70, 0.86)
"""Left, top, right and bottom of the mouth in a picture, as shares."""
_CELL = 300


def voice_file(data: Path, start: str) -> Path:
    """File of an acted voice."""
    return next(p for p in sorted((data / "hts_voices").rglob("*.htsvoice"))
                if p.stem.startswith(start))  # fmt: skip


def learned(data: Path, start: str) -> Floats:
    """Styles (E, 64) of an acted voice, from some of its sentences."""
    parts = [say(voice_file(data, start), s)[0] for s in sentences(data, False)[:LEARNED]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        soundfile.write(path, np.concatenate(parts), audio.RATE)
        return codes_of(style_of_voice(path, "voice", "synthetic"))


def sounds(data: Path) -> list[NDArray[np.float32]]:
    """The sentences that are spoken: the first of LJ Speech that are neither short nor long."""
    found = (audio.load(p) for p in sorted((data / "lj_phones").glob("*.flac")))
    fitting = (x for x in found if SECONDS[0] <= len(x) / audio.RATE <= SECONDS[1])
    return [next(fitting) for _ in range(SPOKEN)]


def moments(shapes: NDArray[np.floating]) -> list[tuple[str, int]]:
    """Kinds and frames at which shapes (T, 52) open, round and spread the lips most, in time."""
    names = {
        "round": ("mouthFunnel", "mouthPucker"),
        "spread": ("mouthStretchLeft", "mouthStretchRight"),
    }
    courses = {k: shapes[:, [INDEX[n] for n in of]].sum(axis=1) for k, of in names.items()}
    courses["open"] = lip_opening(shapes)
    taken: list[tuple[str, int]] = []
    for kind, count in MOMENTS.items():
        left = np.array(courses[kind], np.float64)
        for _, at in taken:
            left[max(0, at - round(APART_S * FPS)) : at + round(APART_S * FPS)] = -1.0
        for _ in range(count):
            at = int(left.argmax())
            taken.append((kind, at))
            left[max(0, at - round(APART_S * FPS)) : at + round(APART_S * FPS)] = -1.0
    return sorted(taken, key=lambda moment: moment[1])


def filmed(face: Calibrated, sound: NDArray[np.float32], style: Floats) -> NDArray[np.uint8]:
    """Film (T, height, width, 3) at 60 fps of the rig while it speaks in a style."""
    with tempfile.TemporaryDirectory() as folder:
        options = play_on_rig.PlayOptions(height=HEIGHT)
        made = perform(face, sound, seed=1, style=style)
        play_on_rig.play(face, made, sound, options, Path(folder))
        frames = imageio_ffmpeg.read_frames(str(Path(folder) / "film.mp4"))
        about = next(frames)
        width, height = about["size"]
        rows = [np.frombuffer(f, np.uint8).reshape(height, width, 3) for f in frames]
    at = np.arange(int(len(rows) * FPS / about["fps"])) * about["fps"] / FPS
    return np.stack([rows[min(round(k), len(rows) - 1)] for k in at])


def sheet(film: NDArray[np.uint8], chosen: list[tuple[str, int]], title: str) -> Image.Image:
    """One picture of a film: moments, their mouths, the mean face, and how much it moved."""
    page = Image.new("RGB", (_CELL * (len(chosen) + 1), 2 * _CELL), (40, 40, 42))
    height, width = film.shape[1:3]
    crop = tuple(int(s * n) for s, n in zip(MOUTH, (width, height) * 2, strict=True))
    pen = ImageDraw.Draw(page)
    for k, (kind, at) in enumerate(chosen):
        picture = Image.fromarray(film[min(at, len(film) - 1)])
        page.paste(picture.resize((_CELL, _CELL)), (k * _CELL, 0))
        mouth = picture.crop(crop).resize((_CELL, _CELL))  # type: ignore[arg-type]
        page.paste(mouth, (k * _CELL, _CELL))
        pen.text((k * _CELL + 6, 6), f"{kind} {at / FPS:.2f} s", fill=INK)
    grey = film.astype(np.float32).mean(axis=3)
    moved = np.clip(6.0 * grey.std(axis=0), 0, 255).astype(np.uint8)
    mean = film.mean(axis=0).astype(np.uint8)
    for row, picture in enumerate((mean, np.repeat(moved[..., None], 3, axis=2))):
        cell = Image.fromarray(picture).resize((_CELL, _CELL))
        page.paste(cell, (len(chosen) * _CELL, row * _CELL))
    pen.text((len(chosen) * _CELL + 6, 6), f"mean, below: motion   {title}", fill=INK)
    return page


@app.command()
def make(out: Path, seed: int = 24) -> None:
    """Draw four references, and twelve sheets whose styles only the key tells."""
    data = Path(os.environ["MIEN_DATA"])
    face = Calibrated(load_face("morpheus33"))
    styles = {name: learned(data, start) for name, start in VOICES.items()}
    said = sounds(data)
    hidden = [(name, k) for k in range(1, SPOKEN) for name in styles]
    order = np.random.default_rng(seed).permutation(len(hidden))
    for folder in (out / "blind", out / "key"):
        folder.mkdir(parents=True, exist_ok=True)
    chosen = [moments(speech.speak(sound)) for sound in said]
    for name, style in styles.items():
        picture = sheet(filmed(face, said[0], style), chosen[0], name)
        picture.save(out / f"reference-{name}.png")
    for number, at in enumerate(order, 1):
        name, k = hidden[at]
        picture = sheet(filmed(face, said[k], styles[name]), chosen[k], f"{number:02}")
        picture.save(out / "blind" / f"{number:02}.png")
    key = {f"{number:02}": hidden[at][0] for number, at in enumerate(order, 1)}
    (out / "key" / "key.json").write_text(json.dumps(key))


def right(key: dict[str, str], answers: dict[str, str]) -> int:
    """How many sheets were sorted to their style.

    Raises:
        ValueError: other sheets than those of the key were sorted.
    """
    if key.keys() != answers.keys():
        raise ValueError(f"sheets {', '.join(sorted(key.keys() ^ answers.keys()))} are not in both")
    return sum(answers[number] == name for number, name in key.items())


@app.command()
def score(
    key: Annotated[Path, typer.Argument(help="key.json of the sheets.")],
    answers: Annotated[Path, typer.Argument(help='JSON such as {"01": "A", ...}.')],
) -> None:
    """Count the sheets that were sorted to their style."""
    styles = json.loads(key.read_text())
    count = right(styles, json.loads(answers.read_text()))
    typer.echo(f"{count} of {len(styles)}; by chance {len(styles) / len(set(styles.values())):.0f}")


if __name__ == "__main__":
    app()
