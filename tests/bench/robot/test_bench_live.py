import numpy as np
import pytest

from mien.robot.media import audio
from mien.robot.media.audio import RATE
from tests.bench.robot.bench_live import behind

SPEECH = audio.load(audio.LJ_DEMO)


@pytest.mark.parametrize("late_s", [0.0, 0.12, 0.4])
def test_how_late_the_room_is_is_found_though_the_sentence_comes_again(late_s: float) -> None:
    said = np.tile(SPEECH, 3)
    played = np.concatenate([np.zeros(round((late_s + 0.3) * RATE), np.float32), said])
    # The second recorder began 0.3 s earlier.
    assert behind((10.3, said), (10.0, played)) == pytest.approx(late_s, abs=1e-4)


def test_a_silent_room_has_no_delay() -> None:
    assert behind((0.0, SPEECH), (0.0, np.zeros(RATE, np.float32))) is None
