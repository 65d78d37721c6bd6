"""``mien speak``: any sentence with any feeling, on the simulated face."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def speak(
    wav: Annotated[Path | None, typer.Option(help="Speech to say.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Text to say; [happy 0.6] begins a feeling, [/] ends it.")
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(help="One of the eight emotions, from beginning to end.")
    ] = None,
    intensity: Annotated[
        float | None, typer.Option(help="Of --emotion, 0 to 1; without, 0.8.")
    ] = None,
    timeline: Annotated[
        Path | None, typer.Option(help="Feelings in time: JSON, or cues like subtitles.")
    ] = None,
    estimate: Annotated[
        str | None,
        typer.Option(help="Guess feelings where nothing says them, from: text, voice or both."),
    ] = None,
    fusion: Annotated[
        str, typer.Option(help="How feeling meets speech: crossed, learned or plain.")
    ] = "crossed",
    speaker: Annotated[
        str, typer.Option("--voice", help="Who says --text: auto, hibari or flite.")
    ] = "auto",
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    calibration: Annotated[
        Path | None, typer.Option(help="A self-model; without, the one that ships.")
    ] = None,
    build: Annotated[int, typer.Option(min=0, help="Which robot of this design.")] = 0,
    board: Annotated[
        str, typer.Option(help="host: the firmware in this process; avr: an emulated ATmega2560.")
    ] = "host",
    seed: Annotated[int, typer.Option(min=0, help="Of blinks, gaze, head and variation.")] = 0,
    size: Annotated[int, typer.Option(min=160, max=2160, help="Pixels of the film.")] = 640,
    film: Annotated[bool, typer.Option(help="Render; without, only figure and numbers.")] = True,
    out: Annotated[Path | None, typer.Option(help="Folder; without, a new one in runs/.")] = None,
) -> None:
    """Say a recording or a text with a feeling: film, figure, blendshapes, numbers."""
    import soundfile

    from mien.models.face.emotion import Variation
    from mien.robot.clip import play_on_rig
    from mien.robot.expression import layers as expression
    from mien.robot.expression.emotion.track import EmotionTrack
    from mien.robot.expression.performance import perform
    from mien.robot.expression.utterance_source import (
        estimate_inputs,
        requested,
        track_record,
        unplayed_cues,
        utterance,
        voice_estimate,
    )
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.media.audio import RATE
    from mien.robot.names import plain
    from mien.robot.progress import Steps
    from mien.robot.runs import new_run, write_json

    config = load_face(face)
    target, guessing = requested(emotion, intensity, timeline), estimate_inputs(estimate)
    fuse = expression.fusion(fusion)
    said = utterance(wav, text, speaker, "text" in guessing)
    samples = said.samples
    for line in said.text_estimates:
        print(f"estimated: {line}", file=sys.stderr)
    for missed in unplayed_cues(target, len(samples) / RATE):
        print(f"note: {missed}", file=sys.stderr)
    sources = said.sources + target + ([voice_estimate(samples)] if "voice" in guessing else [])
    emotion_track = EmotionTrack(tuple(sources), Variation(seed=seed))
    calibrated = Calibrated(config, calibration)
    options = play_on_rig.PlayOptions(build, (), board, size if film else 0)
    play_on_rig.check(options, config)
    name = wav.stem if wav else "text"
    folder = new_run("speak", plain(name, "sound"), out)
    soundfile.write(folder / "sound.wav", samples, RATE)
    with Steps() as steps:
        bar = steps.start("sound to commands")
        performance = perform(calibrated, samples, seed, bar, emotion_track, fuse)
        bar = steps.start("commands to face")
        played = play_on_rig.play(calibrated, performance, samples, options, folder, bar)
    about = {"sound": name, "text": text, "seed": seed, "fusion": fusion, "estimate": estimate}
    felt = track_record(emotion_track, len(performance.weights), guessing, said.text_estimates)
    numbers = play_on_rig.write(
        folder, calibrated, performance, samples, played, options, about, felt
    )
    write_json(folder / "feeling.json", felt)
    for path in sorted(folder.iterdir()):
        print(path)
    print(
        f"{numbers['seconds']:.1f} s; mouth follows with r {numbers['r_lip_gap']:.2f}, "
        f"{numbers['limit_violations']} pulses outside their limits\n"
        "next: mien emotions | mien speak --text '[surprise 0.8] Oh! [happy] It works.'"
    )
