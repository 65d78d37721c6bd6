"""``mien style``: styles to imitate. Nothing of a person is kept unless ``learn`` is called."""

from __future__ import annotations

import math
from pathlib import Path
from shlex import join
from typing import Annotated

import typer

from mien.robot.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Learn, list and forget styles. Example: mien style learn anna --voice anna.wav",
)
Name = Annotated[str, typer.Argument(help="Name of the style: letters, digits, _ and -.")]


@app.command()
def learn(
    name: Name,
    consent: Annotated[
        str,
        typer.Option(
            help="Needed. Who agreed: self (you are on the clip), given (the person agreed), "
            "public, or synthetic (nobody was filmed)."
        ),
    ] = "",
    voice: Annotated[
        Path | None, typer.Option(help="Sound file of the voice alone; 10 s of speech suffice.")
    ] = None,
    clip: Annotated[Path | None, typer.Option(help="Live Link Face CSV; 10 s suffice.")] = None,
) -> None:
    """Learn how somebody speaks from a voice, a clip or both, and keep it as a file of a few kB.

    The file holds no sound and no picture; of a voice it holds a print, by
    which it is known again. A voice tells the lips of mien speak, live and direct;
    a clip tells the poses of mien direct.

    Example: mien style learn anna --voice anna.wav --consent given
    """
    from mien.models.manner import style_file
    from mien.robot.show.imitation import style_of_clip, style_path
    from mien.robot.show.voices import style_of_voice

    files = [w for o, f in (("--voice", voice), ("--clip", clip)) if f for w in (o, str(f))]
    command = join(["mien", "style", "learn", name, *(files or ["--voice", "A.wav"])])
    if consent not in style_file.CONSENTS:
        raise InputError(
            f"--consent is {repr(consent[:40]) if consent else 'missing'}; it says who agreed: "
            f"{', '.join(style_file.CONSENTS)}",
            f"{command} --consent WHO",
        )
    path = style_path(name)
    if voice is not None:
        shown = None if clip is None else (style_of_clip(clip, name, consent), clip)
        style_file.save(path, style_of_voice(voice, name, consent, shown))
    elif clip is not None:
        style_file.save(path, style_of_clip(clip, name, consent))
    else:
        raise InputError("neither --voice nor --clip given", f"{command} --consent {consent}")
    verb = "direct SHOW.yaml" if voice is None else "speak --text 'Good morning!'"
    print(f"{path}\nnext: mien {verb} --style {name}")


@app.command("list")
def list_() -> None:
    """List all styles, with where they come from and who agreed.

    Example: mien style list
    """
    from mien.models.errors import ModelError
    from mien.models.manner import style_file
    from mien.robot.names import printable
    from mien.robot.show.imitation import styles_folder

    for path in sorted(styles_folder().glob("*.json")):
        try:
            style = style_file.load(path)
        except ModelError as e:
            print(f"{path.stem}: {printable(e.message)}")
            continue
        print(printable(f"{style.name}: {style.source}, {style.seconds:.1f} s, {style.consent}"))


@app.command()
def show(name: Name) -> None:
    """Draw what a style does: to lips and habits by its voice, to poses by its clip.

    Example: mien style show anna
    """
    import numpy as np

    from mien.models.face.curves import CURVES
    from mien.models.manner.style_file import STYLED
    from mien.models.style.described import described
    from mien.robot.show.imitation import found

    style = found(name, Path())
    print(f"{style.name}: {style.source}, {style.seconds:.1f} s, {style.consent}")
    if style.voice:
        for name_of, factor in described(np.array(style.code)).items():
            print(_drawn(name_of, factor))
    if not style.moves:
        return
    rows = [("mean", style.means), *((f"pose {k + 1}", p) for k, p in enumerate(style.axes))]
    for title, row in rows:
        order = np.argsort(-np.abs(row))[:6]
        shown = ", ".join(f"{CURVES[STYLED[i]]} {row[i]:+.3f}" for i in order if row[i])
        print(f"{title:<7} {shown}")


def _drawn(name: str, value: float) -> str:
    """A line with a bar: to the right of the middle what is more than usual, to the left less."""
    share = value / 0.2 if name == "smile" else math.log2(max(value, 1e-3))
    length = min(round(12 * abs(share)), 12)
    left = "#" * length if share < 0 else ""
    right = "#" * length if share > 0 else ""
    told = f"{value:+.2f}" if name == "smile" else f"x {value:.2f}"
    return f"{name:<10}{told:>7}  {left:>12}|{right}".rstrip()


@app.command()
def blend(
    name: Annotated[str, typer.Argument(help="Name of the new style.")],
    parts: Annotated[list[str], typer.Argument(help="Styles, each with a weight: A 0.6 B 0.4.")],
) -> None:
    """Blend styles to a new one.

    Example: mien style blend both anna 0.6 ben 0.4
    """
    from mien.models.manner import style_file
    from mien.robot.show.imitation import found, style_path

    try:
        weights = [float(w) for w in parts[1::2]]
    except ValueError:
        weights = []
    if len(parts) < 2 or len(weights) * 2 != len(parts) or not all(0 <= w < 1e6 for w in weights):
        raise InputError(
            "a blend is styles, each with a weight of 0 or more", "blend C A 0.6 B 0.4"
        )
    styles = [found(part, Path()) for part in parts[::2]]
    path = style_path(name)
    style_file.save(path, style_file.blended(name, list(zip(styles, weights, strict=True))))
    print(path)


@app.command()
def forget(name: Name) -> None:
    """Delete a style. Takes that were made with it stay.

    Example: mien style forget anna
    """
    from mien.robot.show.imitation import style_path

    path = style_path(name)
    if not path.is_file():
        raise InputError(f"there is no style {name}", "mien style list")
    path.unlink()
    print(f"{name} is forgotten")
