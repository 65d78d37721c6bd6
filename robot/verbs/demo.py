"""``mien demo``: recorded speech through every stage to a film of the simulated face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    wav: Annotated[
        Path | None, typer.Option(help="Speech to say; without, one that ships.")
    ] = None,
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    calibration: Annotated[
        Path | None, typer.Option(help="A self-model; without, the one that ships.")
    ] = None,
    build: Annotated[int, typer.Option(min=0, help="Which robot of this design.")] = 0,
    board: Annotated[
        str, typer.Option(help="host: the firmware in this process; avr: an emulated ATmega2560.")
    ] = "host",
    fault: Annotated[
        list[str] | None, typer.Option(help="Break something: stuck:brow_mid_left@1.5")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of blinks, gaze and head.")] = 0,
    size: Annotated[int, typer.Option(min=160, max=2160, help="Pixels of the film.")] = 640,
    film: Annotated[bool, typer.Option(help="Render; without, only figure and numbers.")] = True,
    out: Annotated[Path | None, typer.Option(help="Folder; without, a new one in runs/.")] = None,
) -> None:
    """Say a recording with the simulated face: film, figure, blendshapes, numbers."""
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
        played = play_on_rig.play(calibrated, performance, samples, options, folder, bar)
    about = {"sound": source.name, "seed": seed}
    numbers = play_on_rig.write(folder, calibrated, performance, samples, played, options, about)
    for path in sorted(folder.iterdir()):
        print(path)
    print(
        f"{numbers['seconds']:.1f} s of speech; mouth follows with r {numbers['r_lip_gap']:.2f}, "
        f"{numbers['lag_ms']:+.0f} ms; {numbers['limit_violations']} pulses outside their limits\n"
        f"next: mien demo --wav YOURS.wav | mien demo --face hobby9 | mien doctor"
    )
