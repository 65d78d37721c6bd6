"""The tongue's tip follows the phones that are made with it, and stays in the mouth."""

from __future__ import annotations

import numpy as np

from mien.models.face.blendshapes import INDEX
from mien.models.speech import tongue
from mien.models.speech.phones import NUMBER, PHONES
from mien.robot.expression import speech
from mien.robot.media.audio import LJ_DEMO, load


def sure(name: str) -> np.ndarray:
    """Logits of a phone head that hears one phone."""
    logits = np.zeros(len(PHONES), np.float32)
    logits[NUMBER[name]] = 12.0
    return logits


def test_phones_of_the_tip_lift_it_and_lips_do_not() -> None:
    heights = {name: float(tongue.tip(sure(name))) for name in PHONES}
    for name in ("L", "N", "TH", "DH"):
        assert heights[name] == max(heights.values())
    for name in ("sil", "P", "B", "M", "F", "V", "UW", "K"):
        assert heights[name] == 0.0
    assert 0.0 <= heights["AA"] < heights["S"] < heights["L"]


def test_a_head_that_hears_everything_alike_leaves_the_tongue_down() -> None:
    assert tongue.tip(np.zeros((3, len(PHONES)), np.float32)).max() < 0.1


def test_a_sentence_lifts_the_tip_again_and_again_and_never_puts_it_out() -> None:
    tip = speech.speak(load(LJ_DEMO))[:, INDEX["tongueOut"]]
    assert tip.max() <= tongue.FULL + 1e-6
    up = tip > 0.6 * tongue.FULL
    assert np.count_nonzero(up[1:] & ~up[:-1]) >= 5
    assert (tip < 0.2 * tongue.FULL).mean() > 0.2
