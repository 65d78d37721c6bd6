"""``mien sing``: a song on the simulated face, by way of motion subtitles that people edit."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from mien.robot.errors import InputError
from mien.robot.verbs.options import (
    Build,
    Calibration,
    Face,
    Film,
    Firmware,
    HeadGain,
    Out,
    Seed,
    Size,
    with_face,
)

if TYPE_CHECKING:
    from mien.models.song.hearing import Heard

MAX_S = 600.0
"""Longest song in s on the simulated face, whose landmarks are kept in memory."""


def sing(
    song: Annotated[
        Path | None,
        typer.Argument(help="Sound file with a song. The default is one that ships."),
    ] = None,
    lyrics: Annotated[
        Path | None, typer.Option(help="Words of the song: .lrc with times, or .txt.")
    ] = None,
    score: Annotated[
        Path | None, typer.Option(help="Score of the voice with its words (MusicXML).")
    ] = None,
    subtitles: Annotated[
        Path | None,
        typer.Option(help="Motion subtitles (SRT) to perform instead of those that are written."),
    ] = None,
    voice: Annotated[
        Path | None,
        typer.Option(help="Sound of the voice alone, where there is one. The song is the film's."),
    ] = None,
    rewrite: Annotated[
        str | None,
        typer.Option(
            help="Command or address (http) that rewrites the subtitles, such as one of a language "
            "model. Nothing is asked without it."
        ),
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(help="Emotion of the whole song, above the subtitles' moods.")
    ] = None,
    intensity: Annotated[
        float | None, typer.Option(help="Intensity of --emotion, 0 to 1. The default is 0.8.")
    ] = None,
    sway: Annotated[
        float,
        typer.Option(min=0, max=2, help="Factor of the head's cues, such as its sway."),
    ] = 1.0,
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
    """Sing a song on the simulated face.

    The results are a film, a take (take.csv), the motion subtitles (subtitles.srt), and a table of
    numbers. Edit the subtitles and perform them with --subtitles.

    Example: mien sing song.wav --subtitles runs/sing/subtitles.srt
    """
    from mien.models.song import subtitles as motion_subtitles
    from mien.models.song.lyrics import read_lyrics
    from mien.models.song.score import read_score
    from mien.robot.clip import play_on_rig
    from mien.robot.clip.song import Song, described, write
    from mien.robot.expression.song.perform import listen, sing
    from mien.robot.expression.song.rewriting import rewritten
    from mien.robot.expression.song.words import placed, told
    from mien.robot.expression.song.writer import written
    from mien.robot.expression.utterance_source import requested
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.media import audio
    from mien.robot.names import plain
    from mien.robot.progress import Steps
    from mien.robot.runs import new_run

    config = load_face(face)
    emotions = requested(emotion, intensity, None)
    edited = motion_subtitles.read(subtitles) if subtitles else None
    score_notes = read_score(score) if score else None
    lines = read_lyrics(lyrics) if lyrics else None
    song = song or audio.SONG_DEMO
    samples = audio.load(song)
    stem = audio.load(voice) if voice else samples
    if len(samples) > MAX_S * audio.RATE:
        raise InputError(
            f"{song} lasts {len(samples) / audio.RATE:.0f} s, at most {MAX_S:.0f} s are sung",
            "a part of it: ffmpeg -i IN -t 600 OUT.wav",
        )
    calibrated = Calibrated(config, calibration)
    options = play_on_rig.PlayOptions(build, (), board, size if film else 0)
    play_on_rig.check(options, config)
    with Steps() as steps:
        bar = steps.start("sound to notes")
        heard = listen(stem)
        bar(1.0)
        if not heard.has_voice and edited is None:
            raise InputError(
                f"nobody is heard to sing in {voice or song}",
                "--voice STEM.wav with the voice alone, or --subtitles FILE.srt",
            )
        words = placed(heard, score_notes, lines)
        print(f"note: {told(words)}", file=sys.stderr)
        cues = edited or written(heard, words)
        if rewrite is not None:
            cues = rewritten(rewrite, cues, described(heard))
        for note in _late(cues, len(samples) / audio.RATE):
            print(f"note: {note}", file=sys.stderr)
        folder = new_run("sing", plain(song.stem, "song"), out)
        _kept(folder / "subtitles.srt", motion_subtitles.write(cues), song)
        bar = steps.start("notes to commands")
        performance = sing(calibrated, stem, heard, cues, seed, bar, emotions, head_gain, sway)
        bar = steps.start("commands to face")
        numbers = write(
            Song(calibrated, samples, performance, heard, cues, seed, song.name, told(words)),
            folder,
            options,
            bar,
        )
    for path in sorted(folder.iterdir()):
        print(path)
    print(
        f"{numbers['seconds']:.1f} s, {_said(heard)}, {len(cues)} cues\n"
        f"next: edit {folder / 'subtitles.srt'}, then mien sing {quote(str(song))} "
        f"--subtitles {quote(str(folder / 'subtitles.srt'))}{with_face(face)}"
    )


def _kept(path: Path, text: str, song: Path) -> None:
    """Write the subtitles, unless somebody's own would be lost by it."""
    from mien.models.files import write_whole
    from mien.models.song.subtitles import read, write

    if path.is_file() and write(read(path)) != text:
        own = f"mien sing {quote(str(song))} --subtitles {quote(str(path))}"
        raise InputError(f"{path} has other cues, they are not overwritten", f"{own}, or --out NEW")
    write_whole(path, text)


def _late(cues: tuple[object, ...], seconds: float) -> list[str]:
    """Notes on cues that begin after the end of the sound."""
    from mien.models.song.subtitles import MotionCue

    late = [c for c in cues if isinstance(c, MotionCue) and c.start >= seconds]
    if not late:
        return []
    return [f"{len(late)} cues are not shown: the sound ends at {seconds:.1f} s"]


def _said(heard: Heard) -> str:
    """What was heard, in a few words."""
    where = "alone" if heard.alone else "over other sounds"
    return (
        f"{len(heard.notes)} notes in {len(heard.phrases)} phrases, a voice {where} "
        f"for {heard.seconds:.1f} s"
    )
