"""A recording on the live face again, in lock-step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.robot.errors import InputError
from mien.robot.face.config import load_face
from mien.robot.panel.messages import PlaybackPoses, PlaybackSent, SetPlayback, SetRecording
from mien.robot.recording.playback import Playback, poses
from mien.robot.recording.recorder import Recorder
from mien.robot.recording.session import RecordingSession
from tests.robot.live.stage import FACE, JAW, Stage
from tests.robot.live.test_face import Clicks, jaw


def test_between_two_poses_it_lies_between_them_and_it_ends() -> None:
    play = Playback()
    assert play.at(5.0) is None
    play.begin("a")
    play.add([0.0, 0.1], [[0.0], [1.0]])
    shown = [play.at(10.0 + t) for t in (0.0, 0.025, 0.1, 0.3)]
    assert [s[0] for s in shown if s is not None] == pytest.approx([0.0, 0.25, 1.0, 1.0])
    assert play.state() == {"name": "a", "seconds": pytest.approx(0.3), "message": ""}
    play.add([0.2], [[0.5]])
    play.finish()
    last = play.at(10.4)
    assert last is not None
    assert last[0] == 0.5
    assert play.at(10.5) is None
    assert play.state()["message"] == "a was played"


def test_it_stops_when_told_and_takes_nothing_that_comes_after() -> None:
    play = Playback()
    play.begin("a")
    play.add([0.0, 9.0], [[0.0], [1.0]])
    play.at(1.0)
    play.at(3.0)
    play.stop()
    play.add([9.0], [[1.0]])
    assert play.at(4.0) is None
    assert play.state() == {"name": "", "seconds": 0.0, "message": "a was stopped at 2.0 s"}


def test_what_was_recorded_in_the_middle_of_a_run_moves_another_run_the_same(
    tmp_path: Path,
) -> None:
    stage = Stage()
    stage.voice.opening = lambda t: 0.4 + 0.3 * np.sin(2 * np.pi * 1.5 * t)
    recording = RecordingSession(FACE, folder=tmp_path)
    clicks = Clicks(stage, (2.0, SetRecording("take-1")), (5.0, SetRecording(None)))
    stage.face(6.0, panel=clicks, recording=recording).run()
    recording.close()
    assert recording.state(0.0)["message"] == "saved take-1.mcap"
    rows = list(poses(tmp_path / "take-1.mcap", FACE))
    assert rows[-1][0] == pytest.approx(3.0, abs=0.05)

    again = Stage()
    pieces: list[tuple[float, object]] = [(2.0, SetPlayback("take-1.mcap"))]
    for k in range(0, len(rows), 60):
        times, commands = zip(*rows[k : k + 60], strict=True)
        pieces.append((2.0 + k / 120, PlaybackPoses(list(times), [c.tolist() for c in commands])))
    pieces.append((4.0, PlaybackSent()))
    live = again.face(7.0, panel=Clicks(again, *pieces))
    live.run()
    assert live.playback.state()["message"] == "take-1.mcap was played"
    told = np.array([c[JAW] for _, c in rows])
    track = jaw(again)
    best = min(
        float(np.abs(track[k : k + len(told)][30:] - told[30:]).max())
        for k in range(len(track) - len(told))
    )
    assert best < 0.03  # a tick does not lie where a recorded one did
    again.assert_at_rest()
    again.assert_gentle()


def test_a_recording_of_another_face_or_of_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with pytest.raises(InputError, match=r"no recording called x\.mcap"):
        list(poses(path, FACE))
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(InputError, match="not a whole recording"):
        list(poses(path, FACE))
    Recorder(path, FACE).close()
    with pytest.raises(InputError, match="holds no poses"):
        list(poses(path, FACE))
    with pytest.raises(InputError, match="recorded on hobby9, this is morpheus33"):
        list(poses(path, load_face("morpheus33")))


@pytest.mark.parametrize("sent", [[0.0] * 3, [0.0] * 8 + ["x"], [0.0] * 8 + [[1.0]], [None] * 9])
def test_a_pose_that_is_none_is_refused(tmp_path: Path, sent: list[Any]) -> None:
    path = tmp_path / "x.mcap"
    recording = Recorder(path, FACE)
    recording.put("/tick", 1.0, {"t": 1.0, "sent": np.zeros(9)})
    recording.put("/tick", 1.1, {"t": 1.1, "sent": sent})
    recording.close()
    with pytest.raises(InputError, match="a pose that is none"):
        list(poses(path, FACE))
