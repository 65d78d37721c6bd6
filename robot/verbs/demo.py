"""``mien demo``: recorded speech through the whole pipeline to a film of the simulated face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    wav: Annotated[
        Path | None,
        typer.Option(help="Sound file with speech. The default is a sentence that ships."),
    ] = None,
    face: Annotated[
        str, typer.Option(help="Name of a face that ships, or path of a YAML file.")
    ] = "morpheus33",
    calibration: Annotated[
        Path | None, typer.Option(help="Self-model to use. The default is the one that ships.")
    ] = None,
    build: Annotated[
        int, typer.Option(min=0, help="Seed of the simulated robot's tolerances. 0 has none.")
    ] = 0,
    board: Annotated[
        str,
        typer.Option(
            help="host runs the firmware in this process. avr runs it on an emulated ATmega2560."
        ),
    ] = "host",
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Fault of the robot, such as stuck:brow_mid_left@1.5 (at 1.5 s)."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of blinks, gaze and head motion.")] = 0,
    size: Annotated[
        int, typer.Option(min=160, max=2160, help="Height and width of the film in pixels.")
    ] = 640,
    film: Annotated[
        bool, typer.Option(help="Render the film. --no-film writes figure and numbers only.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results. The default is a new one in runs/.")
    ] = None,
) -> None:
    """Play a recording of speech on the simulated face.

    The results are a film, a figure, the blendshapes and a table of numbers.

    Example: mien demo --wav hello.wav --face hobby9
    """
    from mien.robot.clip import play_on_rig
    from mien.robot.expression.performance import perform
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.media import audio
    from mien.robot.names import plain
    from mien.robot.progress import Steps
    from mien.robot.runs import new_run

    source = wav or audio.LJ_DEMO
    config = load_face(face)
    samples = audio.load(source)
    calibrated = Calibrated(config, calibration)
    options = play_on_rig.PlayOptions(build, tuple(fault or ()), board, size if film else 0)
    play_on_rig.check(options, config)
    folder = new_run("demo", plain(source.stem, "sound"), out)
    with Steps() as steps:
        performance = perform(calibrated, samples, seed, steps.start("sound to commands"))
        bar = steps.start("commands to face")
        played = play_on_rig.play(
            calibrated, performance, samples, options=options, folder=folder, progress=bar
        )
    about = {"sound": source.name, "seed": seed}
    numbers = play_on_rig.write(
        folder, calibrated, performance, samples, played=played, options=options, about=about
    )
    for path in sorted(folder.iterdir()):
        print(path)
    print(
        f"{numbers['seconds']:.1f} s of speech; mouth follows with r {numbers['r_lip_gap']:.2f}, "
        f"{numbers['lag_ms']:+.0f} ms; {numbers['limit_violations']} pulses outside their limits\n"
        f"next: mien demo --wav YOURS.wav | mien demo --face hobby9 | mien doctor"
    )
