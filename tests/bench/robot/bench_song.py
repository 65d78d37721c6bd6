"""``mien bench song``: a song on the simulated robot, after the servos, beside the speech path.

Keys; each with ``_speech`` is the same measure of today's path of ``mien speak``:

- ``hold_ripple``: range over mean of the lip gap in a vowel of 2 s; the mean of the vowels at the
  pitch of five at which it is largest. ``hold_ripple_HZ``: by pitch.
- ``release_ms_p95``: time from the end of a held vowel, and of notes before rests, to shut lips.
- ``closure_recall``, ``closure_false``: p, b and m of the songs with shut lips, and shut frames
  elsewhere in the song (``mien.models.data.lip_metrics``), from the sound alone; ``_words``:
  with the words of the score.
- ``instrumental_open``: 95th percentile of the lip gap over pieces without a voice, pooled, over
  that of songs. ``instrumental_median``: the median of the pieces.
- ``roundtrip_lossless``: 1 if no cue of any song is lost in a file. ``cue_frames_off_max``:
  distance of the motion of an added cue from its times.
- ``edit_leak``: change of a curve (0 to 1) of another region by an edited cue of 0.8, read back
  from the landmarks; the worst of three edits in each song, by region ``edit_leak_REGION``.
  ``edit_leak_held``: the same where the actuators of other regions are as before the edit: what
  skin and reading alone make of it. ``edit_leak_mm``: how far landmarks of lips or brows move.
  ``edit_leak_asked``: the same in the curves that the face is asked for.
- ``hold_vs_spoken``: time for which lips hold a vowel, sung over spoken, same sentences.
"""

from __future__ import annotations

from typing import Annotated

import typer


def bench(
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    songs: Annotated[int, typer.Option(min=1, max=5, help="Songs to play.")] = 5,
    vowels: Annotated[int, typer.Option(min=1, help="Held vowels at each pitch.")] = 3,
    pieces: Annotated[int, typer.Option(min=1, help="Pieces without a voice.")] = 10,
    build: Annotated[int, typer.Option(min=0, help="Seed of the robot's tolerances.")] = 0,
) -> dict[str, float | int | str | None]:
    """Holds, releases, closures, instruments and subtitles of songs, after the servos."""
    import numpy as np

    from mien.models.data import lip_metrics
    from mien.robot.expression.song.perform import listen
    from mien.robot.expression.song.writer import written
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from tests.bench.robot import song_edits, song_sounds, song_trials

    calibrated = Calibrated(load_face(face))
    rig = song_trials.SongRig(calibrated, build)
    said = song_sounds.read(6)
    held = song_sounds.held_vowels(said, vowels)
    own = song_sounds.songs(songs)
    pairs = song_sounds.same_text(said[:3])
    out: dict[str, float | int | str | None] = {"face": face, "songs": len(own)}
    for suffix, play in (("", rig.sung), ("_speech", rig.spoken)):
        ripples: dict[float, list[float]] = {}
        release: list[float] = []
        for hertz, one in held:
            ripple, shut = song_trials.held(one, play(one).gap)
            ripples.setdefault(hertz, []).append(ripple)
            release.append(shut)
        total, widest = lip_metrics.Contact(), list[float]()
        for one in own:
            gap = play(one).gap
            total += lip_metrics.contact(gap, one.phones, 60)
            release += song_trials.releases(one, gap)
            widest.append(float(np.percentile(gap, 95)))
        by_pitch = {hertz: float(np.mean(r)) for hertz, r in ripples.items()}
        out[f"hold_ripple{suffix}"] = max(by_pitch.values())
        out |= {f"hold_ripple_{hertz:.0f}{suffix}": r for hertz, r in by_pitch.items()}
        out[f"release_ms_p95{suffix}"] = float(np.percentile(release, 95))
        out[f"closure_recall{suffix}"] = total.closure_recall
        out[f"closure_false{suffix}"] = total.closure_false
        gaps = [play(one).gap for one in song_sounds.instruments(pieces, 10.0)]
        sung = float(np.median(widest))
        out[f"instrumental_open{suffix}"] = float(np.percentile(np.concatenate(gaps), 95)) / sung
        out[f"instrumental_median{suffix}"] = float(
            np.median([np.percentile(g, 95) for g in gaps]) / sung
        )
        spoken = np.mean([song_trials.hold_s(a, rig.spoken(a).gap) for a, _ in pairs])
        out[f"hold_vs_spoken{suffix}"] = float(
            np.mean([song_trials.hold_s(b, play(b).gap) for _, b in pairs]) / spoken
        )
    total = lip_metrics.Contact()
    for one in own:
        total += lip_metrics.contact(rig.sung(one, words=True).gap, one.phones, 60)
    out["closure_recall_words"] = total.closure_recall
    out["closure_false_words"] = total.closure_false
    heard = [listen(one.samples) for one in own]
    out["roundtrip_lossless"] = int(all(song_trials.round_trip(written(h)) for h in heard))
    short = song_trials.shortened(own[0], 6.0)
    short_heard = listen(short.samples)
    out["cue_frames_off_max"] = song_trials.frames_off(calibrated, short, short_heard)
    leaks: dict[str, float] = {}
    for one in own:
        short = song_trials.shortened(one, 6.0)
        for key, value in song_edits.leak(rig, calibrated, short, listen(short.samples)).items():
            leaks[key] = max(value, leaks.get(key, 0.0))
    out["edit_leak"] = max(leaks[region] for region, *_ in song_edits.EDITS)
    return out | {f"edit_leak_{key}": value for key, value in leaks.items()}
