"""Recordings on a fresh robot: pieces, old protocols, hardware, damage. In lock-step."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.robot.control.connect import LIVE_LEAD_S
from mien.robot.control.loop import Tick
from mien.robot.errors import InputError, MienError
from mien.robot.face.actuators import to_pulses
from mien.robot.link.board import Board
from mien.robot.live.face import LiveFace
from mien.robot.panel.messages import SetRecording
from mien.robot.recording import reenact
from mien.robot.recording.reading import Recording
from mien.robot.recording.recorder import Recorder
from mien.robot.recording.replay import command, replay
from mien.robot.recording.session import RecordingSession
from mien.robot.sim.faults import parse_faults
from mien.robot.sim.realtime import LiveRig, simulated
from tests.bench.robot.recording import chunk_ends
from tests.robot.live.stage import FACE, JAW, Script


class Rehearsal:
    """A live face on a simulated robot that is recorded from second 1 to ``end`` of the run."""

    def __init__(self, folder: Path, end: float = 3.0, faults: tuple[str, ...] = ()) -> None:
        self.sim = simulated(FACE, 0, tuple(parse_faults(list(faults), FACE)))
        self.recording = RecordingSession(FACE, {"build": 0, "faults": []}, folder)
        self.rig = LiveRig(self.sim, self.wire, self.sim.now, self.sim.advance)
        self.end = end
        board = Board(FACE, self.rig, self.rig.now, LIVE_LEAD_S)
        board.connect()
        voice = Script(self.rig)  # type: ignore[arg-type]
        voice.opening = lambda t: 0.4 + 0.3 * np.sin(9.0 * t)
        self.orders: list[tuple[float, object]] = [
            (1.0, SetRecording("take-1")), (end, SetRecording(None)),
        ]  # fmt: skip
        live = LiveFace(
            FACE, board, self.rig, voice, recording=self.recording, panel=self, watch=self.watch,
            stop=lambda: self.sim.now() > end + 0.2,
        )  # fmt: skip
        live.run()
        self.recording.close()

    def wire(self, us: int, data: bytes) -> None:
        self.recording.put("/wire", us / 1e6, {"us": us, "hex": data.hex()})

    def watch(self, _: Tick) -> None:
        state = self.rig.state()
        content = {"us": state.us, "crc": state.crc, "lip_gap_mm": state.lip_gap_mm}
        self.recording.put("/rig", self.sim.now(), content)
        time.sleep(0.001)  # the writer lives on real time, the face does not

    def commands(self) -> list[object]:
        due = [order for t, order in self.orders if self.sim.now() > t]
        self.orders = self.orders[len(due) :]
        return due

    def show(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def piece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    Rehearsal(folder)
    return folder / "take-1.mcap"


def test_a_piece_of_the_panel_moves_a_fresh_robot_as_it_moved_that_one(piece: Path) -> None:
    found = replay(piece)
    assert found.poses is not None
    assert found.compared > 60
    assert found.different == 0
    assert found.poses.pulse_us < 0.5  # what a tick is off by that lies between two recorded ones
    assert found.poses.lips_mm < reenact.LIPS_MM / 2
    assert found.missing.nothing
    assert found.seconds == pytest.approx(2.0, abs=0.1)
    assert "a piece begins in the middle of a run" in str(found)
    assert f"({reenact.PULSE_US:g})" in str(found)


def test_a_piece_too_short_to_compare_is_no_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Rehearsal(tmp_path, end=1.3)
    with pytest.raises(MienError, match=r"nothing of take-1.mcap was compared, it has 0\.\d s"):
        command(tmp_path / "take-1.mcap")
    assert "0 ticks compared" in capsys.readouterr().out


def test_a_robot_whose_jaw_is_dead_is_told_from_the_one_that_was_recorded(
    piece: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Recording):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.about["faults"] = ["dead:jaw_open"]

    monkeypatch.setattr("mien.robot.recording.replay.Recording", Broken)
    found = replay(piece)
    assert found.different > 30
    assert found.first is not None


def test_poses_that_the_limiter_would_not_send_are_told(tmp_path: Path) -> None:
    path = tmp_path / "jumps.mcap"
    recording = Recorder(path, FACE, {"piece": True})
    for k in range(60):
        pose = np.zeros(9)
        pose[JAW] = k // 30  # 30 times as fast as the servo may
        content = {"t": 1 + k / 60, "sent": pose, "pulses_us": to_pulses(FACE, pose)}
        recording.put("/tick", k / 60, content)
    recording.close()
    found = replay(path)
    assert found.poses is not None
    assert found.poses.pulse_us > 100
    assert np.isnan(found.poses.lips_mm)
    assert found.first == pytest.approx(0.5, abs=0.05)
    with pytest.raises(MienError, match="moved differently"):
        command(path)


def test_a_pause_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "slept.mcap"
    recording = Recorder(path, FACE, {"piece": True})
    for k in range(90):
        t = 1 + k / 60 + (3600.0 if k >= 45 else 0.0)
        pose = np.zeros(9)
        recording.put("/tick", t, {"t": t, "sent": pose, "pulses_us": to_pulses(FACE, pose)})
    recording.close()
    found = replay(path)
    assert found.seconds < 3.0
    assert found.different == 0


def test_what_spoke_another_protocol_or_ran_on_hardware_is_followed_by_poses(
    piece: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Whole(Recording):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            del self.about["piece"]

    class Old(Whole):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.protocol = "01234567"

    class Hardware(Whole):
        def __iter__(self) -> Any:
            return (r for r in super().__iter__() if r.topic not in ("/wire", "/rig"))

    monkeypatch.setattr("mien.robot.recording.replay.Recording", Old)
    assert "spoke protocol 01234567" in replay(piece).why
    monkeypatch.setattr("mien.robot.recording.replay.Recording", Hardware)
    found = replay(piece)
    assert found.why == "it was made on hardware"
    assert found.different == 0
    assert found.as_dict()["lips_mm_max"] is None


def test_a_piece_that_was_cut_is_followed_to_its_end_and_says_so(
    piece: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = piece.read_bytes()
    ends = chunk_ends(content)
    # Sizes of packed chunks change with the clock, so the cut goes by records: just behind a chunk
    # that ends well after the seconds in which nothing is compared, and before the last one.
    end = next(end for end, records in ends if records > 0.7 * ends[-1][1])
    path = tmp_path / "cut.mcap"
    path.write_bytes(content[: end + 5])
    command(path, as_json=True)
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["replayed"] == "poses"
    assert told["compared"] > 40
    assert told["different"] == 0
    assert told["cut_at_byte"] == end
    assert "cut.mcap is not whole: it was never ended" in err


def test_a_run_whose_middle_is_damaged_is_followed_by_poses(
    piece: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Whole(Recording):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            del self.about["piece"]

    content = bytearray(piece.read_bytes())
    content[chunk_ends(bytes(content))[0][0] + 2000] ^= 1
    path = tmp_path / "damaged.mcap"
    path.write_bytes(content)
    monkeypatch.setattr("mien.robot.recording.replay.Recording", Whole)
    found = replay(path)
    assert "missing in its middle" in found.why
    assert found.missing.records > 0
    assert found.different == 0


def test_the_verb_refuses_what_is_no_recording_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "no.mcap"
    path.write_bytes(b"\x89MCAP0\r\n" + b"\0" * 100)
    with pytest.raises(InputError, match="nothing can be read"):
        replay(path)


@pytest.mark.parametrize(
    "about", [{"faults": "all"}, {"build": "x"}, {"build": -1}, {"faults": ["dead:../x"]}]
)
def test_a_robot_that_cannot_be_made_is_refused(tmp_path: Path, about: dict[str, Any]) -> None:
    path = tmp_path / "x.mcap"
    Recorder(path, FACE, about).close()
    with pytest.raises(InputError):
        replay(path)
