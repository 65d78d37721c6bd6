"""The keys of ``mien bench style`` about the motion memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models.data import style_voices
from mien.models.style.prosody import TIME
from mien.models.train.style.lesson import lesson
from mien.models.train.style.memory import fit
from tests.bench.models import memory_trials as trials
from tests.bench.models import personal_trials as personal
from tests.bench.models.memory_on_robot import on_robot

ACTORS = ("mei", "takumi", "tohoku")


def measured(data: Path, cache: Path, seeds: int) -> dict[str, float | int | str | None]:
    """Mean and spread of the seeds of each key; the first run speaks the voices (15 minutes)."""
    voices = style_voices.prepared(data, cache)
    trial = trials.trial_of(voices)
    train = ~voices.test & ~voices.held[voices.voice]
    seen, unseen = trials.seen(voices), trials.unseen(voices)
    strangers = trials.strangers(voices)
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(seeds):
        one, two = fit(lesson(voices, trial.styles, train), seed)
        for name, value in trials.errors(trial, one, two, seen).items():
            found[f"error_{name}"].append(value)
        for name, value in trials.errors(trial, one, two, unseen).items():
            found[f"error_{name}_unseen"].append(value)
        found["amplitude_r_seen"].append(trials.amplitude_r(trial, two, seen))
        found["amplitude_r_unseen"].append(trials.amplitude_r(trial, two, unseen))
        found["amplitude_r_people"].append(trials.amplitude_r(trial, two, strangers))
        found["amplitude_r_exchanged"].append(trials.amplitude_r(trial, two, seen, True))
        found["timing_r"].append(trials.timing_r(trial, two, seen))
        for name, value in trials.listens(trial, two, seen).items():
            found[f"listens_{name}"].append(value)
        found["closure_change"].append(trials.closure_change(trial, two, seen | unseen))
        specific, used = trials.slot_shares(trial, two, seen)
        found["slot_specificity"].append(specific)
        found["slots_used"].append(used)
        order = np.random.default_rng(seed).permutation(len(trial.styles))
        _, wrong = fit(lesson(voices, trial.styles[order], train), seed)
        found["shuffled_r"].append(trials.amplitude_r(trial, wrong, seen))
        found["shuffled_r_unseen"].append(trials.amplitude_r(trial, wrong, unseen))
        for name, value in (
            personal.person(trial, two) | personal.against_pooled(trial, two)
        ).items():
            found[name].append(value)
        if seed == 0:  # one seed, because these last
            for name, value in _ablated(trial, train, seed).items():
                found[name].append(value)
            found["amplitude_r_actor_out"].append(_actors_out(trial, seed))
            for name, value in on_robot(trial, two, unseen).items():
                found[f"{name}_robot_unseen"].append(value)
    out: dict[str, float | int | str | None] = {}
    for name, values in found.items():
        out[f"style.{name}"] = float(np.mean(values))
        if len(values) > 1:
            out[f"style.{name}_spread"] = float(np.std(values))
    out["style.frame_ms"], out["style.frame_ms_p99"] = trials.frame_ms()
    return out


def _actors_out(trial: trials.Trial, seed: int) -> float:
    """Mean r of three actors, each heard by no training with all his voices."""
    voices, out = trial.voices, []
    for actor in ACTORS:
        of = voices.actor[voices.voice] == actor
        _, two = fit(lesson(voices, trial.styles, ~of & ~voices.held[voices.voice]), seed)
        out.append(trials.amplitude_r(trial, two, of & voices.test))
    return float(np.mean(out))


def _ablated(trial: trials.Trial, train: NDArray[np.bool_], seed: int) -> dict[str, float]:
    """r without a part: the memory's address, or a stream of the sound's statistics."""
    voices, out, t = trial.voices, {}, len(TIME)
    phones = np.zeros_like(voices.phones)
    phones[:] = voices.phones.mean(axis=0)
    parts: dict[str, dict[str, Any]] = {"memory": {"phones": phones}}
    columns = {"time": range(t), "frequency": range(t, voices.sound.shape[1])}
    for name, of in columns.items():
        sound = voices.sound.copy()
        sound[:, list(of)] = sound[:, list(of)].mean(axis=0)
        parts[name] = {"sound": sound}
    kinds = {"seen": trials.seen, "unseen": trials.unseen, "people": trials.strangers}
    for name, changed in parts.items():
        less = trials.Trial(replace(voices, **changed), trial.styles)
        _, two = fit(lesson(less.voices, trial.styles, train), seed)
        for kind, chosen in kinds.items():
            r = trials.amplitude_r(less, two, chosen(voices))
            out[f"amplitude_r_{kind}_without_{name}"] = r
    return out
