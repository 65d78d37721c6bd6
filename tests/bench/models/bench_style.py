"""``mien bench style``: what a voice tells to networks that never heard the sentence.

Each of three actors is left out in turn, with three seeds; sentences that test are said by nobody
in training. Keys, four classes unless stated otherwise:

- ``emotion_speaker_out``: share of right answers after 12 other sentences of the speaker in random
  emotions. ``_neutral``: after 12 neutral ones. ``_cold``: after none. ``_spread``: standard
  deviation of the seeds. ``_ACTOR``: each actor.
- ``emotion_speaker_out_time``, ``_frequency``: with one of the two streams.
- ``emotion_speaker_out_six``: baseline, nearest centroid of six prosody numbers, standardised by
  all sentences of the speaker.
- ``emotion_stream``: as the robot hears it: the speaker's sound in one stream from its first second
  on, 24 sentences in random emotions; the answer at the end of each.
- ``emotion_sentence_out``: the same voices, other sentences.
- ``arousal_rho``, ``valence_rho``: rank correlation with the emotion's, mean of the actors;
  ``arousal_rho_pooled_cold``: over all three, without anything heard before; ``_pitch``: baselines
  by the mean pitch.
- ``people_neutral``: share of neutral among the answers for held-out people who read, cold.
  ``people_shown``: mean intensity of the emotion that the face shows of them, 0.5 at most.
- ``emotion_frame_ms``, ``_p99``: time of a frame in a stream of blocks of 20 ms.

And the motion memory, against what a teacher planted (``mien.models.data.planted_styles``). Seen:
other sentences of voices that train. Unseen: acted voices that no training heard (one derived
speaker of each actor). People: 40 real people whom none heard. The style is always heard in another
sentence than the one that is spoken.

- ``error_none``, ``_memory``, ``_style``: RMS distance of mouth channels from the teacher's, by the
  speech network, with stage 1 and with stage 2; ``_unseen``.
- ``amplitude_r_seen``, ``_unseen``, ``_people``, ``_actor_out``: correlation of planted and found
  amplitudes by viseme class, less each class's mean. ``_actor_out``: no training heard any voice of
  the actor. ``_exchanged``: in the style of another voice, with which it is compared.
  ``_without_PART``: a part withheld. ``shuffled_r``: trained with the voices'
  labels shuffled.
- ``timing_r``: correlation of the lip opening in two styles. ``listens_*``: error with the sound
  0.5 s late, silent or exchanged, over that with the right one. ``closure_change``: of the share of
  p, b and m that close, points.
- ``slot_specificity``: share of what goes with a slot that is in its first viseme class.
  ``slots_used``: entropy of their use over the largest.
- ``person``, ``person_people``: share of sentences whose speaker is found, enrolled on neutral
  speech. ``curve_vs_pooled``, ``unseen_vs_pooled``: error in the style of the library over that in
  the mean style of the emotion; ``_by_sound``: in the style that the sound alone tells.
- ``amplitude_robot_unseen``, ``timing_robot_unseen``: read back from the rig after the servos.
- ``frame_ms``, ``_p99``: time of a frame with lips, style and emotion.

``_without_PART``, ``_actor_out`` and what is read back from the rig have seed 0 only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mien.models.errors import ModelError

PARTS = ("emotion", "memory", "all")


def bench(
    data: Annotated[
        Path | None, typer.Option(help="Folder with hts_voices, japanese_text and voices200.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of the training.")] = 3,
    part: Annotated[str, typer.Option(help="What is measured: emotion, memory or all.")] = "all",
) -> dict[str, float | int | str | None]:
    """Emotion and style of voices that no training heard. The first run speaks (30 minutes)."""
    import torch

    from mien.models.data.corpora.registry import default_cache
    from tests.bench.models import memory_bench

    torch.set_num_threads(1)
    folder = data or Path(os.environ.get("MIEN_DATA", ""))
    if not (folder / "hts_voices").is_dir():
        raise ModelError(f"no hts_voices in {folder}", "mien bench style --data FOLDER")
    if part not in PARTS:
        raise ModelError(f"no part {part!r}", f"--part {' | '.join(PARTS)}")
    out = _emotion(folder, seeds) if part != "memory" else {}
    if part != "emotion":
        out |= memory_bench.measured(folder, default_cache(), seeds)
    return out


def _emotion(folder: Path, seeds: int) -> dict[str, float | int | str | None]:
    import numpy as np

    from mien.models.data import voice_emotion
    from mien.models.data.corpora import emotional
    from mien.models.data.corpora.registry import default_cache
    from mien.models.style.prosody import STATISTICS, TIME
    from mien.models.train.style.emotion import fit
    from tests.bench.models import style_trials as trials

    train, test = voice_emotion.prepared(folder, default_cache())
    people = voice_emotion.people(folder)
    n, t = len(STATISTICS), len(TIME)
    # Inputs: statistics, two absolute ones of the time stream, length of the voice.
    withheld = {"": (), "_time": tuple(range(t, n)), "_frequency": (*range(t), n, n + 1)}
    scores = trials.Scores()
    for a, actor in enumerate(emotional.ACTORS):
        speakers = voice_emotion.Speakers(train.of(train.actor != a), people)
        held = test.of(test.actor == a)
        for seed in range(seeds):
            for name, without in withheld.items():
                found = fit(speakers, seed, without)
                scores.add(f"emotion_speaker_out{name}", seed, trials.after(found, held, "random"))
                if not name:
                    scores.add(f"emotion_speaker_out_{actor}", seed, scores.last)
                    for state in ("neutral", "cold"):
                        result = trials.after(found, held, state)
                        scores.add(f"emotion_speaker_out_{state}", seed, result)
                    scores.plane(found, held, seed)
                    if seed == 0:
                        right = trials.streamed(found, folder, actor)
                        scores.add("emotion_stream", seed, right)
    every = voice_emotion.Speakers(train, people)
    for seed in range(seeds):
        found = fit(every, seed)
        each = [
            trials.after(found, test.of(test.actor == a), "random")
            for a in range(len(emotional.ACTORS))
        ]
        scores.add("emotion_sentence_out", seed, float(np.mean(each)))
    out = scores.summary()
    out["style.emotion_speaker_out_six"] = trials.six_numbers(test)
    out["style.people_neutral"], out["style.people_shown"] = trials.people(folder)
    out["style.emotion_frame_ms"], out["style.emotion_frame_ms_p99"] = trials.frame_ms()
    return out
