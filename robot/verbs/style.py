"""``mien style``: styles to imitate. Nothing of a person is kept unless ``learn`` is called."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from mien.robot.errors import InputError

if TYPE_CHECKING:
    from mien.models.manner.style_file import Learned

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
    emotion: Annotated[
        str,
        typer.Option(help="Add to a style how the same person speaks in this emotion."),
    ] = "",
) -> None:
    """Learn how somebody speaks from a voice, a clip or both, and keep it as a file of a few kB.

    The file holds no sound and no picture; of a voice it holds a print, by
    which it is known again. A voice tells the lips of mien speak, live and direct;
    a clip tells the poses of mien direct. --emotion happiness adds how this person
    speaks when happy, which is used while the face shows happiness.

    Example: mien style learn anna --voice anna.wav --consent given
    """
    from mien.models.manner import style_file
    from mien.robot.expression.voices import in_emotion, style_named, style_of_voice, style_path
    from mien.robot.show.imitation import style_of_clip

    given = (("--emotion", emotion), ("--voice", voice), ("--clip", clip))
    files = [w for o, f in given if f for w in (o, str(f))]
    command = join(["mien", "style", "learn", name, *(files or ["--voice", "A.wav"])])
    if consent not in style_file.CONSENTS:
        raise InputError(
            f"--consent is {repr(consent[:40]) if consent else 'missing'}; it says who agreed: "
            f"{', '.join(style_file.CONSENTS)}",
            f"{command} --consent WHO",
        )
    path = style_path(name)
    gone = list[str]()
    with suppress(InputError):  # no style of this name, or no readable one
        gone = list(style_named(name).emotions)
    if emotion:
        if voice is None or clip is not None:
            raise InputError(
                "an emotion of a style is learned from a voice alone",
                f"mien style learn {name} --emotion {emotion} --voice A.wav --consent {consent}",
            )
        gone = []
        style_file.save(path, in_emotion(name, emotion, voice, consent))
    elif voice is not None:
        shown = None if clip is None else (style_of_clip(clip, name, consent), clip)
        style_file.save(path, style_of_voice(voice, name, consent, shown))
    elif clip is not None:
        style_file.save(path, style_of_clip(clip, name, consent))
    else:
        raise InputError("neither --voice nor --clip given", f"{command} --consent {consent}")
    if gone:
        print(f"note: {', '.join(gone)} of the voice before is gone", file=sys.stderr)
    verb = "direct SHOW.yaml" if voice is None else "speak --text 'Good morning!'"
    feels = f" --emotion {emotion}" if emotion else ""
    print(f"{path}\nnext: mien {verb} --style {name}{feels}")


@app.command("list")
def list_() -> None:
    """List all styles, with where they come from and who agreed.

    Example: mien style list
    """
    from mien.models.errors import ModelError
    from mien.models.manner import style_file
    from mien.robot.expression.voices import styles_folder
    from mien.robot.names import printable

    for path in sorted(styles_folder().glob("*.json")):
        try:
            style = style_file.load(path)
        except ModelError as e:
            print(f"{path.stem}: {printable(e.message)}")
            continue
        shown = "".join(f", {emotion}" for emotion in style.emotions)
        print(printable(_origin(style.name, style) + shown))


@app.command()
def show(name: Name) -> None:
    """Draw what a style does: to lips and habits by its voice, to poses by its clip.

    Example: mien style show anna
    """
    import numpy as np

    from mien.models.face.curves import CURVES
    from mien.models.manner.style_file import STYLED
    from mien.models.style.described import described
    from mien.robot.names import printable
    from mien.robot.show.imitation import found

    style = found(name, Path())
    for title, entry in {style.name: style, **style.emotions}.items():
        print(printable(_origin(title, entry)))
        if any(entry.code):
            for name_of, factor in described(np.array(entry.code)).items():
                print(_drawn(name_of, factor))
    if not style.moves:
        return
    rows = [("mean", style.means), *((f"pose {k + 1}", p) for k, p in enumerate(style.axes))]
    for title, row in rows:
        order = np.argsort(-np.abs(row))[:6]
        shown = ", ".join(f"{CURVES[STYLED[i]]} {row[i]:+.3f}" for i in order if row[i])
        print(f"{title:<7} {shown}")


def _origin(title: str, entry: Learned) -> str:
    return f"{title}: {entry.source}, {entry.seconds:.1f} s, {entry.consent}"


def _drawn(name: str, value: float) -> str:
    """A line with a bar: to the right of the middle what is more than usual, to the left less."""
    share = value / 0.2 if name == "smile" else math.log2(max(value, 1e-3))
    length = min(round(12 * abs(share)), 12)
    left = "#" * length if share < 0 else ""
    right = "#" * length if share > 0 else ""
    shown = f"{value:+.2f}" if name == "smile" else f"x {value:.2f}"
    return f"{name:<10}{shown:>7}  {left:>12}|{right}".rstrip()


@app.command()
def blend(
    name: Annotated[str, typer.Argument(help="Name of the new style.")],
    parts: Annotated[list[str], typer.Argument(help="Styles, each with a weight: A 0.6 B 0.4.")],
) -> None:
    """Blend styles to a new one.

    Example: mien style blend both anna 0.6 ben 0.4
    """
    from mien.models.manner.style_blend import blended
    from mien.models.manner.style_file import save
    from mien.robot.expression.voices import style_path
    from mien.robot.show.imitation import found

    try:
        weights = [float(w) for w in parts[1::2]]
    except ValueError:
        weights = []
    if len(parts) < 2 or len(weights) * 2 != len(parts) or not all(0 <= w < 1e6 for w in weights):
        raise InputError(
            "a blend is styles, each with a weight of 0 or more",
            f"mien style blend {name} A 0.6 B 0.4",
        )
    styles = [found(part, Path()) for part in parts[::2]]
    path = style_path(name)
    if path.exists():
        raise InputError(
            f"there is a style {name}, a blend replaces none",
            join(["mien", "style", "blend", f"{name}2", *parts]),
        )
    save(path, blended(name, list(zip(styles, weights, strict=True))))
    print(path)


@app.command()
def forget(
    name: Name,
    emotion: Annotated[str, typer.Option(help="Delete only what was learned in it.")] = "",
) -> None:
    """Delete a style. Takes that were made with it stay.

    Example: mien style forget anna
    """
    from mien.models.manner.style_file import save
    from mien.robot.expression.voices import style_path, without_emotion

    path = style_path(name)
    if not path.is_file():
        raise InputError(f"there is no style {name}", "mien style list")
    if emotion:
        save(path, without_emotion(name, emotion))
    else:
        path.unlink()
    print(f"{name}{' in ' * bool(emotion)}{emotion} is forgotten")
