"""``mien bench style``: the emotion of a voice, told by networks that never heard the speaker.

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
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mien.models.errors import ModelError


def bench(
    data: Annotated[
        Path | None, typer.Option(help="Folder with hts_voices, japanese_text and voices200.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of the training.")] = 3,
) -> dict[str, float | int | str | None]:
    """Emotion of voices that no training heard. The first run speaks the sentences (15 minutes)."""
    import numpy as np
    import torch

    from mien.models.data import voice_emotion
    from mien.models.data.corpora import emotional
    from mien.models.data.corpora.registry import default_cache
    from mien.models.style.prosody import STATISTICS, TIME
    from mien.models.train.style.emotion import fit
    from tests.bench.models import style_trials as trials

    torch.set_num_threads(1)
    folder = data or Path(os.environ.get("MIEN_DATA", ""))
    if not (folder / "hts_voices").is_dir():
        raise ModelError(f"no hts_voices in {folder}", "mien bench style --data FOLDER")
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
