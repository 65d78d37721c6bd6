"""``mien direct``: a show with emotions and keyframes becomes a take."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from mien.robot.verbs.options import Build, Calibration, Face, Feel, Size, with_face

if TYPE_CHECKING:
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.show.direct import Directed
    from mien.robot.show.limits import Shortfall


def direct(
    show: Annotated[
        Path,
        typer.Argument(help="YAML file with sound or text, emotions, keyframes and a seed."),
    ],
    take: Annotated[
        int, typer.Option(min=1, max=999, help="Number of the take. Each is another performance.")
    ] = 1,
    style: Annotated[
        str | None,
        typer.Option(
            help="Style to imitate: a name of mien style list, or a clip (Live Link Face CSV). "
            "The default is that of the show."
        ),
    ] = None,
    feel: Feel = None,
    face: Face = "morpheus33",
    calibration: Calibration = None,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Make all of the take again, and keep nothing of it.")
    ] = False,
    propose: Annotated[
        bool,
        typer.Option(
            "--propose",
            help="First write key frames that fit the sound into the show, to be edited.",
        ),
    ] = False,
    film: Annotated[
        bool, typer.Option("--film/--no-film", help="Also play the take on the simulated face.")
    ] = False,
    build: Build = 0,
    size: Size = 640,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the take. The default is that of the show.")
    ] = None,
) -> None:
    """Make a take from a show, or change the take beside it where the show was edited.

    The take has its curves (Live Link Face CSV), its commands (MCAP), its sound and a record of
    what made each part. What a keyframe cannot be on this face is said, and the nearest is used.

    Example: mien direct hello.yaml --take 2 --film
    """
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.face.solver import head_gains
    from mien.robot.names import printable
    from mien.robot.progress import Steps
    from mien.robot.show import direct as directing
    from mien.robot.show.feelings import felt
    from mien.robot.show.imitation import checked_style
    from mien.robot.show.limits import told
    from mien.robot.show.propose import fitting, proposals
    from mien.robot.show.propose import write as write_proposals
    from mien.robot.show.scene import scene_of
    from mien.robot.show.show_file import read_show
    from mien.robot.show.takes import read_take

    file = read_show(show) if feel is None else felt(read_show(show), feel)
    calibrated = Calibrated(load_face(face), calibration)
    if propose:
        scene = scene_of(file, head_gains(calibrated.face, file.show.head_gain))
        found = fitting(file, proposals(scene))
        write_proposals(file, found)
        print(f"note: {len(found)} key frames were added to {show}", file=sys.stderr)
        file = read_show(show) if feel is None else felt(read_show(show), feel)
    files = directing.files_of(show, take, out)
    kept = None if afresh else read_take(files)
    frames = file.show.keyframes
    manner = checked_style(style, Path()) if style else checked_style(file.show.style, show.parent)

    def note(found: list[Shortfall]) -> None:
        for k, sentence in told(frames, found):
            line = file.line(f"keyframes.{k}")
            print(f"note: line {line}: {printable(sentence)}", file=sys.stderr)

    note(directing.reach_of(file, calibrated))
    with Steps() as steps:
        made = directing.direct(
            file, calibrated, take, manner, kept=kept, progress=steps.start("show to commands")
        )
    note(made.late)
    for line in made.scene.understood:
        print(f"understood: {printable(line)}", file=sys.stderr)
    for news in made.news:
        print(f"note: {news}", file=sys.stderr)
    directing.write(files, file, made, calibrated, take)
    written = [files.path(ending) for ending in (".csv", ".json", ".mcap", ".wav")]
    if film:
        written.append(_film(files.path(".mp4"), calibrated, made, build, size))
    for path in written:
        print(path)
    print(f"{made.scene.seconds:.1f} s, take {take}")
    print(f"next: mien play {quote(str(files.csv))}{with_face(face)}")


def _film(path: Path, calibrated: Calibrated, made: Directed, build: int, size: int) -> Path:
    """Play the take on the simulated face and film it."""
    from tempfile import TemporaryDirectory

    from mien.robot.clip import play_on_rig
    from mien.robot.progress import Steps

    options = play_on_rig.PlayOptions(build, height=size)
    with Steps() as steps, TemporaryDirectory(dir=path.parent) as folder:
        play_on_rig.play(
            calibrated, made.performance, made.scene.samples, options, Path(folder),
            steps.start("commands to face"),
        )  # fmt: skip
        (Path(folder) / "film.mp4").replace(path)
    return path
