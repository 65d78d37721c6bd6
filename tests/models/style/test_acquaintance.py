"""A stranger is anybody at first and himself later, who is known is known, and nothing is kept."""

import sys
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mien.models.face.emotion import EMOTIONS
from mien.models.style.acquaintance import FIRST_S, GONE_S, Acquaintance
from mien.models.style.memory import code, read
from mien.models.style.personal import FAR, Library, voiceprint
from mien.models.style.sound_style import StatisticsStream, statistics
from mien.robot.media import audio

RATE = 16000
E = len(EMOTIONS)
HAPPY = EMOTIONS.index("happiness")
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def sound() -> Sound:
    """A minute of one voice."""
    return np.tile(audio.load(audio.LJ_DEMO), 20)[: 60 * RATE]


def printed(sound: Sound) -> NDArray[np.float64]:
    return voiceprint(read(), statistics(sound))


def library(prints: NDArray[np.float64]) -> Library:
    """Two people, neutral and happy."""
    styles = np.random.default_rng(0).uniform(-1, 1, (4, 64))
    return Library(
        np.repeat(prints, 2, axis=0), styles, np.array([0, 0, 1, 1]), np.array([0, HAPPY] * 2)
    )


def stranger_to(sound: Sound) -> Library:
    """A library of people whose prints are far from this voice's."""
    own = printed(sound)
    others = np.linalg.svd(own[None])[2][1:3]
    assert np.abs(others @ own).max() < FAR
    return library(others)


def met(who: Acquaintance, sound: Sound, block: int = 160) -> list[NDArray[np.float64]]:
    found = (who.push(sound[k : k + block]) for k in range(0, len(sound), block))
    return [f for f in found if f is not None]


def test_what_a_running_voice_tells_is_what_the_whole_of_it_tells(sound: Sound) -> None:
    stream = StatisticsStream()
    for k in range(0, 20 * RATE, 160):
        stream.push(0.1 * sound[k : k + 160])  # the level tells nothing
    p, whole = read(), statistics(sound[: 20 * RATE])
    styles = code(p, stream.statistics), code(p, whole)
    assert np.corrcoef(*styles)[0, 1] > 0.95
    assert voiceprint(p, stream.statistics) @ voiceprint(p, whole) > 0.9
    assert 5.0 < stream.seconds < 20.0


def test_a_stranger_starts_with_the_mean_of_all_and_slowly_gets_his_own(sound: Sound) -> None:
    known = stranger_to(sound)
    who = Acquaintance(known)
    np.testing.assert_allclose(who.pooled[0], known.pooled(0))
    np.testing.assert_allclose(who.pooled[HAPPY], known.pooled(HAPPY))
    found = met(who, sound)
    own = code(read(), statistics(sound))
    apart = [float(np.linalg.norm(f[0] - own)) for f in found]
    pooled = float(np.linalg.norm(known.pooled(0) - own))
    assert 0.6 * pooled < apart[0] < pooled
    assert apart[-1] < 0.45 * pooled
    steps = np.linalg.norm(np.diff([f[0] for f in found], axis=0), axis=1)
    assert steps.max() < 0.2 * pooled


def test_nobody_is_anybody_before_he_has_spoken(sound: Sound) -> None:
    who = Acquaintance(library(np.eye(24)[:2]))
    assert not met(who, np.zeros(5 * RATE, np.float32))
    assert not met(who, sound[: int(FIRST_S * RATE)])  # less than that of it is voice
    empty = Acquaintance(Library(np.zeros((0, 24)), np.zeros((0, 64)), *(np.zeros(0, int),) * 2))
    assert not empty.pooled.any()
    assert met(empty, sound[: 10 * RATE])[-1].any()


def test_who_was_learned_is_known_at_once_in_every_emotion(sound: Sound) -> None:
    known = library(np.stack([printed(sound), -printed(sound)]))
    found = met(Acquaintance(known), sound[: 12 * RATE])[0]
    np.testing.assert_allclose(found[0], known.styles[0], atol=1e-3)
    np.testing.assert_allclose(found[HAPPY], known.styles[1], atol=1e-3)
    np.testing.assert_allclose(found[HAPPY + 1], known.styles[0], atol=1e-3)


def test_after_a_long_silence_it_is_another_person(sound: Sound) -> None:
    who = Acquaintance(stranger_to(sound))
    assert met(who, sound[: 20 * RATE])
    found = met(who, np.zeros(int((GONE_S + 5) * RATE), np.float32))
    assert len(found) == 1
    np.testing.assert_array_equal(found[0], who.pooled)
    again = met(who, sound[: 12 * RATE])[0]
    np.testing.assert_allclose(again, met(Acquaintance(stranger_to(sound)), sound[: 12 * RATE])[0])


_opened: list[Any] = []
_watching = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in ("open", "os.rename", "os.mkdir", "socket.connect", "socket.sendto"):
        _opened.append((event, arguments))


def test_nothing_of_a_stranger_leaves_the_memory(sound: Sound, tmp_path: Any) -> None:
    global _watching
    sys.addaudithook(_audit)  # it stays, so it is asleep unless this test runs
    who = Acquaintance(stranger_to(sound))
    _watching = True
    try:
        assert len(met(who, sound[: 30 * RATE])) > 3
        seen = list(_opened)
        soundfile.write(tmp_path / "x.wav", sound[:100], RATE)
        (tmp_path / "seen").write_text("the hook works")
    finally:
        _watching = False
    assert not seen
    assert _opened
