"""Phone times -> shapes by rules, for speech without a camera.

Dominance functions after Cohen & Massaro, "Modeling coarticulation in synthetic visual speech"
(1993). Every phone i has a target T and a dominance D, which decays on both sides of its span:

    D_i(t) = strength * exp(-fade * distance(t, span_i)),     value(t) = sum D_i T_i / sum D_i

The fades before and after a phone are separate parameters. Louder vowels open further. p, b and m
close the lips fully after the blend. ``coarticulation_fit`` fits the parameters to the tracked
speaker. ``coarticulation.yaml`` stores them, so that rules and camera have the same scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import yaml
from numpy.typing import NDArray

from mien.models.data.labels.lips import JAW, PUCKER, STRETCH
from mien.models.face.blendshapes import ARKIT, FPS, INDEX, SPEECH
from mien.models.speech.features import RATE
from mien.models.speech.phones import BILABIAL, LABIODENTAL, NUMBER, PHONES, SILENCE, VOWELS, Phone

TRACKS: Final = ("opening", "jaw", "width", "roll_upper", "press")
"""Blended quantities: lip opening and jaw in units of jawOpen, mouth width above rest in
interocular distances, and two lip shapes."""
TABLE: Final = Path(__file__).with_name("coarticulation.yaml")
CLOSING_S: Final = 0.05
"""Time of closing before and of opening after p, b and m, s."""
RESTING_S: Final = 0.08
"""Time in which lips come to rest in a pause, and in which they leave it, s."""
DELAY_S: Final = 0.0125
"""Delay of the lips relative to the general rules, s. Networks trained on these rules alone were
early by 10 ms on one filmed speaker and by 18 ms on the other."""
CONTACT_SHARE: Final = 0.7
"""Share of a p, b or m, from its start, with touching lips. The release follows."""


@dataclass(frozen=True)
class Rules:
    """Parameters of the rules, one row per phone in the order of ``PHONES``."""

    target: NDArray[np.float64]
    """(phones, tracks)."""
    strength: NDArray[np.float64]
    """(phones, tracks) relative dominance."""
    before: NDArray[np.float64]
    """(phones, tracks) rate of the dominance's rise before the phone, 1/s."""
    after: NDArray[np.float64]
    """(phones, tracks) rate of its decay after the phone, 1/s."""
    loudness: float
    """Relative change of a vowel's opening per 10 dB above the median vowel."""


_OPENING = (
    "AA .32 AE .31 AH .24 AO .19 AW .3 AY .3 EH .25 ER .17 EY .2 IH .21 IY .24 OW .12 OY .2 UH .14 "
    "UW .11 B 0 CH .19 D .1 DH .1 F .09 G .13 HH .18 JH .19 K .13 L .14 M 0 N .1 NG .13 P 0 R .12 "
    "S .1 SH .19 T .1 TH .1 V .09 W .08 Y .12 Z .1 ZH .19"
)
_WIDTH = (
    "UW -.14 OW -.1 AO -.08 W -.15 R -.06 SH -.09 CH -.08 JH -.08 ZH -.08 UH -.07 ER -.03 OY -.08 "
    "AW -.03 IY .03 EY .02 IH .015 EH .01 AE .02 S .01 Z .01"
)


def _column(text: str) -> NDArray[np.float64]:
    out = np.zeros(len(PHONES))
    words = text.split()
    for name, value in zip(words[::2], words[1::2], strict=True):
        out[NUMBER[name]] = float(value)
    return out


def default_rules() -> Rules:
    """General rules: initial values of the fit, and the rules for runs without its speaker.

    Openings of vowels follow lip areas in MRI of three speakers (Story, Titze & Hoffman, JASA 100,
    1996; Story et al., JASA 104, 1998; Story, JASA 123, 2008) and the lip distances of
    VocalTractLab's German speaker; those of sibilants are halfway between earlier
    values and the latter. Widths follow the IPA's rounding and spreading.
    """
    opening = _column(_OPENING)
    jaw = opening + 0.03
    jaw[NUMBER["sil"]] = 0.02
    target = np.zeros((len(PHONES), len(TRACKS)))
    target[:, 0], target[:, 1], target[:, 2] = opening, jaw, _column(_WIDTH)
    strength = np.ones_like(target)
    for p in (*BILABIAL, *LABIODENTAL):
        target[NUMBER[p], TRACKS.index("press")] = 0.1 if p in BILABIAL else 0.03
        strength[NUMBER[p], :2] = 3.0
    for p in ("W", "UW", "OW", "SH", "CH", "JH", "ZH", "R"):
        strength[NUMBER[p], 2] = 2.5
    for p in ("T", "D", "N", "L", "K", "G", "NG", "HH"):
        strength[NUMBER[p]] *= 0.25  # made by the tongue: neighbours determine the lips
    before, after = np.full_like(target, 18.0), np.full_like(target, 22.0)
    return Rules(target, strength, before, after, 0.2)


@cache
def fitted_rules() -> Rules:
    """Rules of the shipped table."""
    return read_rules(TABLE)


def read_rules(path: Path) -> Rules:
    """Rules from a file of :func:`write_rules`."""
    raw = yaml.safe_load(path.read_text())
    rows = np.asarray([raw["phones"][p] for p in PHONES], np.float64)
    parts = rows.reshape(len(PHONES), 4, len(TRACKS))
    target, strength, before, after = (parts[:, i] for i in range(4))
    return Rules(target, strength, before, after, float(raw["loudness"]))


def write_rules(rules: Rules, path: Path = TABLE, note: str = "") -> None:
    """Write rules as YAML: targets, strengths, rises and decays per phone and track."""
    tracks = ", ".join(TRACKS)
    lines = [f"# {note}", f"tracks: [{tracks}]", f"loudness: {rules.loudness:.4f}", "phones:"]
    parts = (rules.target, rules.strength, rules.before, rules.after)
    for i, phone in enumerate(PHONES):
        values = ", ".join(f"{v:.4g}" for part in parts for v in part[i])
        lines.append(f"  {phone}: [{values}]")
    path.write_text("\n".join(lines) + "\n")


def loudness(phones: Sequence[Phone], samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Level (n,) of each vowel above the recording's median vowel, in units of 10 dB."""
    level = np.empty(len(phones))
    for i, phone in enumerate(phones):
        part = samples[int(phone.start * RATE) : max(int(phone.end * RATE), 1)].astype(np.float64)
        level[i] = 10 * np.log10(np.mean(part**2) + 1.0) if len(part) else 0.0
    vowel = np.asarray([p.name in VOWELS for p in phones])
    usual = float(np.median(level[vowel])) if vowel.any() else 0.0
    return np.asarray(np.clip((level - usual) / 10, -1.5, 1.0) * vowel, np.float64)


def blend(
    rules: Rules, phones: Sequence[Phone], loud: NDArray[np.float64], frames: int
) -> NDArray[np.float64]:
    """Blended tracks (frames, tracks) at 60 Hz."""
    numbers = np.asarray([NUMBER[p.name] for p in phones])
    start = np.asarray([p.start for p in phones])
    end = np.asarray([p.end for p in phones])
    times = np.arange(frames)[:, None] / FPS
    early, late = np.maximum(start - times, 0), np.maximum(times - end, 0)  # (frames, n)
    out = np.empty((frames, len(TRACKS)))
    for k in range(len(TRACKS)):
        target = rules.target[numbers, k]
        if k < 2:
            target = target * (1 + rules.loudness * loud)
        fade = rules.before[numbers, k] * early + rules.after[numbers, k] * late
        dominance = rules.strength[numbers, k] * np.exp(-np.minimum(fade, 30))
        # A weak term for silence, so that lips rest far from all phones.
        rest = 1e-4
        total = dominance.sum(axis=1) + rest
        out[:, k] = (dominance @ target + rest * rules.target[NUMBER["sil"], k]) / total
    return out


def rest(phones: Sequence[Phone], frames: int) -> NDArray[np.float64]:
    """(frames,) factor on the opening: 0 inside a pause, 1 during speech.

    The tracked speaker pauses at the ends of sentences only, so pauses cannot be fitted.
    """
    times = np.arange(frames) / FPS
    out = np.ones(frames)
    for phone in phones:
        if phone.name == SILENCE and phone.end - phone.start > 2 * RESTING_S:
            # Start and end of the recording are not ends of a pause.
            first = phone.start + RESTING_S if phone.start > 0 else -RESTING_S
            last = phone.end - RESTING_S if phone.end < frames / FPS - 0.02 else np.inf
            away = np.maximum(np.maximum(first - times, times - last), 0) / RESTING_S
            x = np.clip(away, 0, 1)
            out = np.minimum(out, x * x * (3 - 2 * x))
    return out


def contact(phones: Sequence[Phone], frames: int) -> NDArray[np.float64]:
    """(frames,) factor on the opening: 0 while lips touch in p, b or m, 1 elsewhere."""
    times = np.arange(frames) / FPS
    out = np.ones(frames)
    for phone in phones:
        if phone.name in BILABIAL:
            release = phone.start + CONTACT_SHARE * (phone.end - phone.start)
            away = np.maximum(np.maximum(phone.start - times, times - release), 0) / CLOSING_S
            x = np.clip(away, 0, 1)
            out = np.minimum(out, x * x * (3 - 2 * x))
    return out


def shapes(
    phones: Sequence[Phone], samples: NDArray[np.int16], frames: int, rules: Rules | None = None
) -> NDArray[np.float32]:
    """Phones of a recording, from 0 s to its end -> shapes (frames, 52) at 60 Hz."""
    rules = fitted_rules() if rules is None else rules
    tracks = blend(rules, phones, loudness(phones, samples), frames)
    opening = np.clip(tracks[:, 0], 0, 1) * contact(phones, frames) * rest(phones, frames)
    jaw = np.maximum(np.clip(tracks[:, 1], 0, 1), opening)
    change = tracks[:, 2] - JAW * opening
    out = np.zeros((frames, len(ARKIT)), np.float32)
    spread = np.clip(change / STRETCH, 0, 1)
    both = {
        "mouthStretch": spread,
        "mouthPress": np.clip(tracks[:, 4], 0, 1),
        "mouthLowerDown": 0.25 * _near(phones, frames, ("S", "Z", "IY", "EH", "AE", "TH", "DH")),
        "mouthUpperUp": 0.2 * _near(phones, frames, ("S", "Z", "IY", "F", "V", "AE")),
        "mouthSmile": 0.15 * _near(phones, frames, ("IY", "EY", "S", "Z")),
    }
    one = {
        "jawOpen": jaw,
        "mouthClose": jaw - opening,
        "mouthPucker": np.clip(-change / PUCKER, 0, 1),
        "mouthRollUpper": np.clip(tracks[:, 3], 0, 1),
        "mouthFunnel": 0.4 * _near(phones, frames, ("SH", "CH", "JH", "ZH", "AO", "OY", "R", "UW")),
        "mouthRollLower": 0.35 * _near(phones, frames, tuple(LABIODENTAL)),
        "tongueOut": 0.15 * _near(phones, frames, ("TH", "DH")),
    }
    for name, values in one.items():
        out[:, INDEX[name]] = values
    for name, values in both.items():
        out[:, INDEX[name + "Left"]] = out[:, INDEX[name + "Right"]] = values
    return out


def _near(phones: Sequence[Phone], frames: int, names: tuple[str, ...]) -> NDArray[np.float64]:
    """(frames,) 1 in the middle of the phones ``names``, 0 from 0.08 s outside them."""
    times = np.arange(frames) / FPS
    out = np.zeros(frames)
    for phone in phones:
        if phone.name in names:
            reach = 0.5 * (phone.end - phone.start)
            away = np.maximum(np.abs(times - phone.start - reach) - 0.5 * reach, 0) / 0.08
            x = np.clip(1 - away, 0, 1)
            out = np.maximum(out, x * x * (3 - 2 * x))
    return out


GIVEN: Final = np.isin(ARKIT, SPEECH)
"""(52,) mask of the shapes that the rules supervise: all shapes of speech."""
