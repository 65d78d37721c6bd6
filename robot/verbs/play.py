"""``mien play``: a recorded take on the simulated face, or on a robot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import typer

from mien.robot.faces import DEFAULT_FACE
from mien.robot.stopping import INTERRUPTED
from mien.robot.verbs.options import (
    Build,
    Calibration,
    Faults,
    Film,
    Out,
    Port,
    Size,
    with_face,
)

if TYPE_CHECKING:
    from mien.robot.clip.play_on_rig import PlayOptions, PlayResult
    from mien.robot.clip.take import Motion
    from mien.robot.face.config import Floats
    from mien.robot.live.playout import Sentence

MAX_RIG_S: Final = 600.0
"""Longest take in s on the simulated face, whose landmarks are kept in memory."""


def play(
    take: Annotated[
        Path,
        typer.Argument(help="CSV of Live Link Face, or MCAP of mien live --record or the panel."),
    ],
    face: Annotated[
        str | None,
        typer.Option(
            help="Name of a face that ships, or path of a YAML file. The default is the face of "
            "the recording, or morpheus33."
        ),
    ] = None,
    port: Port = "sim",
    rate: Annotated[
        float | None,
        typer.Option(
            min=1, max=1000, help="Frames that the timecode counts in a second. Usually inferred."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="Play the first seconds only. 0 plays all.")
    ] = 0.0,
    calibration: Calibration = None,
    build: Build = 0,
    fault: Faults = None,
    wav: Annotated[
        Path | None,
        typer.Option(help="Sound to play it to. The default is that of a take of mien direct."),
    ] = None,
    size: Size = 640,
    film: Film = True,
    out: Out = None,
) -> None:
    """Play a recorded take: on the simulated face with film and numbers, or on a robot.

    Example: mien play anna_3_iPhone.csv --port auto
    """
    from mien.robot.clip.take import load_motion
    from mien.robot.names import printable

    beside = sidecar(take)
    face = face or face_of(take, beside)
    motion = load_motion(take, face, calibration, rate or timecode_base(take, beside))
    for note in motion.notes:
        print(f"note: {printable(note)}", file=sys.stderr)
    length = max(min(seconds or motion.seconds, motion.seconds), 1 / 60)
    wav = wav or sound_of(take, beside)
    if port != "sim":
        _on_robot(motion, length, port, take.name, wav)
        return
    from mien.robot.clip.play_on_rig import PlayOptions, check
    from mien.robot.errors import InputError

    if length > MAX_RIG_S:
        raise InputError(
            f"{take} lasts {length:.0f} s, on the simulated face at most {MAX_RIG_S:.0f} s",
            f"mien play {quote(str(take))} --seconds {MAX_RIG_S:.0f}",
        )
    options = PlayOptions(build, tuple(fault or ()), height=size if film else 0)
    check(options, motion.face)
    _on_rig(motion, length, options, take, wav, out)
    print(f"next: mien play {quote(str(take))}{with_face(face)} --port auto")


def face_of(take: Path, beside: dict[str, Any]) -> str | None:
    """The face on which a CSV of ours was made; None if its record names none.

    Args:
        take: the take.
        beside: its record, see ``sidecar``.

    Raises:
        InputError: it was made on a face that does not ship, whose file only the user knows.
    """
    from mien.models.reading.bounded import excerpt
    from mien.robot.errors import InputError
    from mien.robot.face.config import shipped

    made_on = beside.get("face")
    if not isinstance(made_on, str) or take.suffix != ".csv":
        return None
    if made_on in shipped():
        return made_on
    raise InputError(
        f"{take} was made on the face {excerpt(made_on)}, which does not ship",
        f"mien play {quote(str(take))} --face ITS_FILE.yaml, or another face on purpose: "
        f"--face {DEFAULT_FACE}",
    )


def sound_of(take: Path, beside: dict[str, Any]) -> Path | None:
    """The sound that a take was made to, beside it; None if its record ``beside`` names none."""
    from mien.robot.show.takes import SOUND_KEY

    named = beside.get(SOUND_KEY)
    if not isinstance(named, str) or Path(named).name != named:  # never a path
        return None
    sound = take.parent / named
    return sound if sound.is_file() else None


def timecode_base(take: Path, beside: dict[str, Any]) -> float | None:
    """Frames that the timecode of our own takes counts in a second; None for those of others."""
    from mien.robot.media.livelink_takes import FRAME_BASE

    return FRAME_BASE if "fps" in beside and take.suffix == ".csv" else None


def sidecar(take: Path) -> dict[str, Any]:
    """The record beside a take of ours; empty where there is none, or none that can be read."""
    from mien.models.errors import ModelError
    from mien.models.reading.json_file import read_object
    from mien.robot.show.takes import MAX_RECORD_BYTES

    try:
        return read_object(take.with_suffix(".json"), MAX_RECORD_BYTES)
    except (OSError, ModelError, ValueError):
        return {}


def _on_robot(motion: Motion, seconds: float, port: str, name: str, wav: Path | None) -> None:
    from mien.robot.control.connect import opened
    from mien.robot.control.loop import Loop
    from mien.robot.stopping import stopping

    speaker = None if wav is None else _speaker(wav, seconds)
    try:
        with stopping() as stop, opened(motion.face, port) as at:

            def begin(t: float) -> None:
                if speaker is not None:  # the skin follows by the lead of the board and its own lag
                    speaker.begin(t + at.board.lead_s + motion.lag_s)

            Loop(motion.face, at.board, at.clock).follow(
                until(motion.commands, seconds, stop.requested, begin)
            )
            if stop.signalled:
                sys.exit(INTERRUPTED)
    finally:
        if speaker is not None:
            speaker.close()
    print(f"{name} was played for {seconds:.1f} s on {motion.face.name}; the servos are released")


def _speaker(wav: Path, seconds: float) -> Sentence | None:
    """The sound of a take on the default output; None, with a note, where there is none."""
    from mien.robot.errors import DeviceError
    from mien.robot.live.playout import Sentence
    from mien.robot.media import audio

    try:
        return Sentence(audio.load(wav)[: round(seconds * audio.RATE)], "")
    except DeviceError as e:
        print(f"note: the take is played without its sound: {e.message}", file=sys.stderr)
        return None


def until(
    commands: Callable[[float], Floats],
    seconds: float,
    stopped: Callable[[], bool],
    begin: Callable[[float], None] = lambda _: None,
) -> Callable[[float], Floats | None]:
    """Commands on the clock of a loop: the take begins when its first pose is reached.

    Args:
        commands: time in the take in s -> commands (n,).
        seconds: duration. stopped: whether to end early.
        begin: called once with the time at which the take begins.
    """
    began: list[float] = []

    def at(now: float) -> Floats | None:
        began.append(now)
        if len(began) == 1:  # the loop only asks where to go
            return commands(0.0)
        if len(began) == 2:
            begin(now)
        del began[2:]
        t = now - began[1]
        return None if stopped() or t > seconds else commands(t)

    return at


def _on_rig(
    motion: Motion,
    seconds: float,
    options: PlayOptions,
    take: Path,
    wav: Path | None,
    out: Path | None,
) -> None:
    from mien.robot.clip.play_on_rig import PREROLL_S, play_motion
    from mien.robot.media import audio
    from mien.robot.names import plain
    from mien.robot.progress import Steps
    from mien.robot.runs import new_run, write_json

    sound = audio.load(wav) if wav else np.zeros(0, np.float32)
    short = max(0, round(seconds * audio.RATE) - len(sound))
    samples = np.concatenate([sound, np.zeros(short, np.float32)])[: round(seconds * audio.RATE)]
    folder = new_run("play", plain(take.stem, "take"), out)

    def ahead(lead_s: float) -> Callable[[float], Floats]:
        return lambda t: motion.commands(max(0.0, t + lead_s + motion.lag_s - PREROLL_S))

    with Steps() as steps:
        played = play_motion(
            motion.face, ahead, seconds, samples, options, folder, steps.start("take to face")
        )
    numbers = measured(motion, played, take, options)
    write_json(folder / "metrics.json", numbers)
    for path in sorted(folder.iterdir()):
        print(path)
    r = numbers["r_lip_gap"]
    follows = "" if r is None else f"; mouth follows with r {r:.2f}"
    print(
        f"{numbers['seconds']:.1f} s of {take.name} on {motion.face.name}{follows}; "
        f"{numbers['limit_violations']} pulses outside their limits"
    )


def measured(
    motion: Motion, played: PlayResult, take: Path, options: PlayOptions
) -> dict[str, Any]:
    """Numbers of a take on the rig. Lengths are in mm at the true landmarks."""
    from mien.models.face.regions import lip_gap
    from mien.robot.clip.trace import lag_and_correlation
    from mien.robot.control.loop import RATE_HZ
    from mien.robot.face.provenance import origin

    t, gap = played.trace.t, lip_gap(played.trace.landmarks)
    late, r = float("nan"), float("nan")
    if motion.target_gap is not None:
        late, r = lag_and_correlation(motion.target_gap(t), gap, RATE_HZ)
    return {
        **origin(motion.face, 0),
        **played.trace.limits(),
        "take": take.name,
        "build": options.build,
        "faults": list(options.faults),
        "seconds": float(t[-1]),
        "lag_ms": late if np.isfinite(late) else None,
        "r_lip_gap": r if np.isfinite(r) else None,
        "lip_gap_p95_mm": float(np.percentile(gap, 95)),
        "realtime_factor": played.realtime_factor,
        "link": played.link,
    }
