from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.models.face.emotion import EMOTIONS
from mien.models.speech.phones import Phone
from mien.robot.errors import InputError
from tests.bench.robot import emotion_trials
from tests.bench.robot.bench_emotion import camera_kind
from tests.bench.robot.clip_sequence import ClipObservation
from tests.bench.robot.emotion_sentences import LONGEST_S, SHORTEST_S, Sentence, recorded, synthetic
from tests.bench.robot.emotion_trials import Trial, closures, lip_costs, zero_error
from tests.lacking import skip
from tests.paths import DATA

FRAMES, RATE, LATE = 150, 16000, 4
PHONES = (Phone("AA", 0.0, 0.5), Phone("M", 0.5, 0.6), Phone("AA", 0.6, 1.5), Phone("P", 1.5, 1.6))
SENTENCE = Sentence(
    "one", np.random.default_rng(0).normal(0, 0.1, RATE * 5 // 2).astype(np.float32), PHONES
)


def opened(bias: float = 0.0, noise: float = 0.0) -> Trial:
    """A mouth that closes on M and P and follows the wanted opening ``LATE`` frames late."""
    t = np.arange(FRAMES) / 60
    wanted = 0.3 + 0.1 * np.sin(t * 9)
    for start, end in ((0.5, 0.6), (1.5, 1.6)):
        wanted[(t >= start) & (t < end)] = 0.0
    spoken = np.zeros((FRAMES, 52), np.float32)
    spoken[:, INDEX["jawOpen"]] = wanted
    gap = np.roll(wanted, LATE) * 30 + bias
    gap += np.random.default_rng(1).normal(0, noise, FRAMES) if noise else 0.0
    landmarks = {"projected": np.zeros((25, 478, 3), np.float32)}
    return Trial(SENTENCE, spoken, np.zeros((25, 478, 3)), ClipObservation(gap, landmarks))


def test_a_lip_gap_that_reaches_the_closed_lips_is_a_closure() -> None:
    assert closures(opened(), 1.5) == [True, True]
    assert closures(opened(bias=3.0), 1.5) == [False, False]


def test_feelings_that_change_nothing_cost_nothing() -> None:
    costs = lip_costs([opened() for _ in EMOTIONS])
    assert costs["closure_recall_neutral"] == 1.0
    assert costs["closure_cost"] == 0.0
    assert costs["r_lip_neutral"] > 0.99
    assert abs(costs["r_lip_cost"]) < 1e-9


def test_an_open_mouth_and_a_restless_one_cost_what_they_cost() -> None:
    trials = [opened() for _ in EMOTIONS]
    trials[EMOTIONS.index("surprise")] = opened(bias=6.0)
    trials[EMOTIONS.index("fear")] = opened(noise=6.0)
    costs = lip_costs(trials)
    assert costs["closure_cost_worst"] == 1.0
    assert costs["closure_cost"] == pytest.approx(1 / 7, abs=0.08)
    assert costs["r_lip_cost_worst"] > 0.3
    assert 0.03 < costs["r_lip_cost"] < 0.2


@pytest.mark.parametrize("kind", ["learned", "plain"])
def test_zero_intensity_is_neutral_on_a_sentence(kind: str) -> None:
    assert zero_error(SENTENCE, opened().spoken, kind) <= 1e-6


def test_other_cameras_are_refused_by_name() -> None:
    assert camera_kind("both") == "both"
    with pytest.raises(InputError, match="no camera 'x'"):
        camera_kind("x")


def test_too_few_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 sentences"):
        recorded(tmp_path, 2)


@pytest.mark.data
def test_recorded_sentences_are_short_and_know_their_phones() -> None:
    data = DATA
    if not (data / "lj_phones").is_dir():
        pytest.skip(f"no {data / 'lj_phones'}; set MIEN_DATA")
    said = recorded(data / "lj_phones", 3)
    for one in said:
        assert SHORTEST_S <= len(one.samples) / RATE <= LONGEST_S + 0.1
        assert one.phones[-1].end <= len(one.samples) / RATE + 1e-3


def test_synthetic_sentences_hold_closures() -> None:
    from mien.models.errors import ModelError

    try:
        said = synthetic(2)
    except ModelError as e:
        skip(e)
    assert all(any(p.name in ("P", "B", "M") for p in one.phones) for one in said)
    with pytest.raises(InputError):
        synthetic(10_000)


def test_recorded_speech_is_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_DATA", str(tmp_path))
    with pytest.raises(InputError, match="lj_phones"):
        emotion_trials.spoken_sentences(None, 2)
