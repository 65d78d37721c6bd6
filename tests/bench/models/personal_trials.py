"""Trials of the library of people: who speaks, and whether his own way is nearer than the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.style.channels import applied
from mien.models.style.memory import Floats, Parameters, address, code, slots
from mien.models.style.personal import Library, voiceprint
from tests.bench.models.memory_trials import Trial, acted, seen, strangers, unseen


def library(trial: Trial, p: Parameters, of: NDArray[np.bool_]) -> Library:
    """Entries of the voices of some sentences: mean style, and the print of the person's neutral
    voice, who is enrolled on it.

    Args:
        trial: voices.
        p: network.
        of: (M,) sentences.
    """
    v = trial.voices
    names, emotions = sorted(set(v.speaker.tolist())), sorted(set(v.emotion.tolist()))
    prints, styles, people, shown = [], [], [], []
    for voice in np.unique(v.voice[of]):
        own = of & (v.voice == voice)
        neutral = of & (v.speaker[v.voice] == v.speaker[voice])
        neutral &= v.emotion[v.voice] == "neutral"
        mean = voiceprint(p, v.sound[neutral if neutral.any() else own]).mean(axis=0)
        prints.append(mean / np.linalg.norm(mean))
        styles.append(code(p, v.sound[own]).mean(axis=0))
        people.append(names.index(v.speaker[voice]))
        shown.append(emotions.index(v.emotion[voice]))
    return Library(np.array(prints), np.array(styles), np.array(people), np.array(shown))


def person(trial: Trial, p: Parameters) -> dict[str, float]:
    """Share of held-out sentences whose speaker is found: acted voices in all emotions among all of
    them, also where they are enrolled on the sentences of the print's training as well
    (``person_more``), and people whom no training heard among one another."""
    v, out = trial.voices, {}
    names = sorted(set(v.speaker.tolist()))
    trained = ~v.test & ~v.held[v.voice] & acted(v)
    for name, of in (("person", trained & ~v.more), ("person_more", trained)):
        enrolled = library(trial, p, of)
        right = [
            enrolled.person(voiceprint(p, v.sound[k])) == names.index(v.speaker[v.voice[k]])
            for k in np.flatnonzero(seen(v))
        ]
        out[name] = float(np.mean(right))
    others = library(trial, p, strangers(v) & ~v.test)
    right = [
        others.person(voiceprint(p, v.sound[k])) == names.index(v.speaker[v.voice[k]])
        for k in np.flatnonzero(strangers(v) & v.test)
    ]
    out["person_people"] = float(np.mean(right))
    return out


def against_pooled(trial: Trial, p: Parameters) -> dict[str, float]:
    """Error of the curves in the style of the library over that in the mean style of the emotion:
    held-out sentences of enrolled people, and of voices that are in no library."""
    v = trial.voices
    enrolled = library(trial, p, ~v.test & ~v.held[v.voice] & acted(v) & ~v.more)
    emotions = sorted(set(v.emotion.tolist()))
    out = {}
    for name, of in (("curve_vs_pooled", seen(v)), ("unseen_vs_pooled", unseen(v))):
        own, pooled, floor = [], [], []
        for heard, spoken in trial.pairs(of):
            emotion = emotions.index(v.emotion[v.voice[spoken]])
            sound = v.sound[heard]
            style = enrolled.style(voiceprint(p, sound), emotion, code(p, sound), 1)
            own.append(_error(trial, p, style, spoken))
            pooled.append(_error(trial, p, enrolled.pooled(emotion), spoken))
            floor.append(_error(trial, p, code(p, sound), spoken))
        out[name] = float(np.mean(own) / np.mean(pooled))
        out[f"{name}_by_sound"] = float(np.mean(floor) / np.mean(pooled))
    return out


def _error(trial: Trial, p: Parameters, style: Floats, sentence: int) -> float:
    at = trial.voices.frames(sentence)
    channels = trial.voices.channels[at].astype(np.float64)
    mouth = applied(channels, address(p, trial.phones[at]) @ slots(p, style))
    return float(np.sqrt(np.mean(np.square(mouth - trial.wanted[at]))))
