"""``mien demo``: recorded speech through the whole pipeline to a film of the simulated face."""

from __future__ import annotations

from mien.robot.verbs.options import (
    Build,
    Calibration,
    Face,
    Faults,
    Film,
    Firmware,
    Out,
    Seed,
    Size,
    Speech,
    with_face,
)


def demo(
    wav: Speech = None,
    face: Face = "morpheus33",
    calibration: Calibration = None,
    build: Build = 0,
    board: Firmware = "host",
    fault: Faults = None,
    seed: Seed = 0,
    size: Size = 640,
    film: Film = True,
    out: Out = None,
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
        f"next: mien demo --wav YOURS.wav{with_face(face)} | mien demo --face hobby9 | mien doctor"
    )
