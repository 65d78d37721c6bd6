"""A take is played in time with its sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.robot.errors import DeviceError, InputError
from mien.robot.face.config import Floats
from mien.robot.live import playout
from mien.robot.media.livelink_takes import write_csv, write_sidecar
from mien.robot.verbs.options import with_face
from mien.robot.verbs.play import face_of, play, sidecar, sound_of, until


def test_a_take_begins_when_its_first_pose_is_reached_and_tells_when() -> None:
    began: list[float] = []
    asked: list[float] = []

    def commands(t: float) -> Floats:
        asked.append(t)
        return np.array([t])

    at: Callable[[float], Floats | None] = until(commands, 0.05, lambda: False, began.append)
    assert at(3.0) is not None  # where to ramp to
    assert began == []
    assert [at(t) is None for t in (5.0, 5.02, 5.06)] == [False, False, True]
    assert began == [5.0]
    assert asked == pytest.approx([0.0, 0.0, 0.02])


def test_the_sound_waits_for_the_board_and_a_missing_output_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take = tmp_path / "a.csv"
    write_csv(take, np.zeros((12, 52)))
    soundfile.write(tmp_path / "a.wav", np.zeros(3200), 16000)
    write_sidecar(take, {"sound_file": "a.wav", "fps": 60})
    assert sound_of(take, sidecar(take)) == tmp_path / "a.wav"
    begins: list[float] = []
    closed: list[bool] = []

    class Heard:
        """A sound output that is none."""

        def __init__(self, samples: np.ndarray, device: str) -> None:
            assert len(samples) == pytest.approx(11 / 60 * 16000, abs=2)
            assert device == ""

        def begin(self, t: float) -> None:
            """Note when."""
            begins.append(t)

        def close(self) -> None:
            """Note that it was closed."""
            closed.append(True)

    monkeypatch.setattr(playout, "Sentence", Heard)
    play(take, face="hobby9", port=f"file:{tmp_path / 'wire.bin'}")
    assert len(begins) == 1
    assert closed == [True]

    def none(*_: object) -> None:
        raise DeviceError("there is no sound output")

    monkeypatch.setattr(playout, "Sentence", none)
    play(take, face="hobby9", port=f"file:{tmp_path / 'wire.bin'}")
    assert "without its sound" in capsys.readouterr().err


def test_a_take_is_played_on_the_face_that_it_was_made_on(tmp_path: Path) -> None:
    """A take for ten servos must not drive a face of 33."""
    take = tmp_path / "a.csv"
    write_csv(take, np.zeros((12, 52)))
    assert face_of(take, sidecar(take)) is None  # of the app: any face
    write_sidecar(take, {"fps": 60, "face": "hobby9"})
    assert face_of(take, sidecar(take)) == "hobby9"
    for stranger in ("grin", "../../etc/passwd", "x" * 10_000):
        write_sidecar(take, {"fps": 60, "face": stranger})
        with pytest.raises(InputError, match="does not ship") as refused:
            play(take, port=f"file:{tmp_path / 'wire.bin'}")
        assert "--face ITS_FILE.yaml" in refused.value.hint
        assert len(refused.value.message) < 400
    assert not (tmp_path / "wire.bin").exists()
    write_sidecar(take, {"fps": 60, "face": ["hobby9"]})
    assert face_of(take, sidecar(take)) is None


def test_what_comes_next_is_for_the_same_face() -> None:
    assert with_face("morpheus33") == ""
    assert with_face(None) == ""
    assert with_face("my face.yaml") == " --face 'my face.yaml'"
