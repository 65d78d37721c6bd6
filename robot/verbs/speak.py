"""``mien speak``: a sentence with an emotion, played on the simulated face."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mien.robot.verbs.options import (
    Build,
    Calibration,
    Face,
    Feel,
    Film,
    Firmware,
    HeadGain,
    Out,
    Seed,
    Size,
    Style,
    with_face,
)


def speak(
    wav: Annotated[Path | None, typer.Option(help="Sound file with speech.")] = None,
    text: Annotated[
        str | None,
        typer.Option(help="Text to speak. [happy 0.6] begins an emotion and [/] ends it."),
    ] = None,
    emotion: Annotated[
        str | None,
        typer.Option(help="Emotion of the whole clip: one of the eight names, or one of your own."),
    ] = None,
    intensity: Annotated[
        float | None, typer.Option(help="Intensity of --emotion, 0 to 1. The default is 0.8.")
    ] = None,
    feel: Feel = None,
    timeline: Annotated[
        Path | None,
        typer.Option(help="File of emotions over time: JSON, or cues in the format of subtitles."),
    ] = None,
    estimate: Annotated[
        str | None,
        typer.Option(help="Estimate the emotion where none is given, from: text, voice or both."),
    ] = None,
    fusion: Annotated[
        str, typer.Option(help="How emotion and speech are blended: crossed, learned or plain.")
    ] = "crossed",
    speaker: Annotated[
        str, typer.Option("--voice", help="Speech synthesiser of --text: auto, hibari or flite.")
    ] = "auto",
    style: Style = "",
    face: Face = "morpheus33",
    calibration: Calibration = None,
    build: Build = 0,
    board: Firmware = "host",
    seed: Seed = 0,
    head_gain: HeadGain = 1.0,
    size: Size = 640,
    film: Film = True,
    out: Out = None,
) -> None:
    """Play a recording or a text with an emotion on the simulated face.

    The results are a film, a figure, the blendshapes, the emotion track and a table of numbers.

    Example: mien speak --wav hello.wav --emotion happiness
    """
    from mien.models.face.emotion import Variation
    from mien.robot.clip import play_on_rig
    from mien.robot.expression import layers as expression
    from mien.robot.expression.emotion.track import EmotionTrack
    from mien.robot.expression.performance import perform
    from mien.robot.expression.utterance_source import (
        estimate_inputs,
        requested,
        track_record,
        unlabelled,
        unplayed_cues,
        utterance,
    )
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.media import sound_file
    from mien.robot.media.audio import RATE
    from mien.robot.names import plain
    from mien.robot.progress import Steps
    from mien.robot.runs import new_run, write_json
    from mien.robot.show.imitation import voice_of

    config = load_face(face)
    labels, inputs = requested(emotion, intensity, timeline), estimate_inputs(estimate)
    fuse = expression.fusion(fusion)
    source = utterance(wav, text, speaker, "text" in inputs)
    samples = source.samples
    code = voice_of(style, samples)
    for line in source.text_estimates:
        print(f"estimated: {line}", file=sys.stderr)
    for note in unplayed_cues(labels, len(samples) / RATE):
        print(f"note: {note}", file=sys.stderr)
    sources = source.sources + labels + unlabelled(feel, samples, "voice" in inputs)
    emotion_track = EmotionTrack(tuple(sources), Variation(seed=seed))
    calibrated = Calibrated(config, calibration)
    options = play_on_rig.PlayOptions(build, (), board, size if film else 0)
    play_on_rig.check(options, config)
    name = wav.stem if wav else "text"
    folder = new_run("speak", plain(name, "sound"), out)
    sound_file.write(folder / "sound.wav", samples, RATE)
    with Steps() as steps:
        bar = steps.start("sound to commands")
        performance = perform(calibrated, samples, seed, bar, emotion_track, fuse, head_gain, code)
        bar = steps.start("commands to face")
        played = play_on_rig.play(
            calibrated, performance, samples, options=options, folder=folder, progress=bar
        )
    about = {"sound": name, "text": text, "seed": seed, "fusion": fusion, "estimate": estimate}
    about |= {"style": style or None, "feel": feel}
    record = track_record(emotion_track, len(performance.weights), inputs, source.text_estimates)
    numbers = play_on_rig.write(
        folder,
        calibrated,
        performance,
        samples,
        played=played,
        options=options,
        about=about,
        emotion=record,
    )
    write_json(folder / "feeling.json", record)
    for path in sorted(folder.iterdir()):
        print(path)
    print(
        f"{numbers['seconds']:.1f} s; mouth follows with r {numbers['r_lip_gap']:.2f}, "
        f"{numbers['limit_violations']} pulses outside their limits\n"
        f"next: mien emotions{with_face(face)} | "
        f"mien speak{with_face(face)} --text '[surprise 0.8] Oh! [happy] It works.'"
    )
