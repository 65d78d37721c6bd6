"""The real processes, on the machine's clock, with a simulated robot. No timing is asserted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mien.robot.control.connect import LIVE_LEAD_S, Opened
from mien.robot.errors import InputError, MienError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from mien.robot.live.face import LiveFace
from mien.robot.live.run import Options, run
from mien.robot.live.voice_process import VoiceProcess
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.media import audio
from mien.robot.media.audio import LJ_DEMO
from mien.robot.recording import reading
from mien.robot.recording import replay as replaying
from mien.robot.recording.recorder import Recorder
from mien.robot.recording.replay import replay
from mien.robot.recording.session import RecordingSession
from mien.robot.sim.realtime import simulated
from mien.robot.stopping import Stop
from mien.robot.verbs.live_inputs import parse_address, parse_emotion, source_of
from mien.robot.wire import State
from tests.bench.robot.soak import Reciter
from tests.paths import ROOT
from tests.robot.boards import state_of

pytestmark = pytest.mark.realtime

FACE = "hobby9"


@pytest.fixture(scope="module")
def rig_recorder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A short sentence, spoken live and recorded."""
    path = tmp_path_factory.mktemp("live") / "run.mcap"
    wav = path.with_suffix(".wav")
    samples, rate = soundfile.read(LJ_DEMO, frames=32000)
    soundfile.write(wav, samples, rate)
    boards: list[Opened] = []
    options = Options(
        VoiceSetup(FACE, source="wav", path=wav),
        record=path,
        watch=lambda at, _: boards.append(at) if not boards else None,
    )
    report = run(options, Stop(60.0))
    assert boards[0].rig is not None
    report["state"] = state_of(boards[0].rig.sim)
    return path, report


def test_a_sentence_is_recorded_and_the_face_at_rest(
    rig_recorder: tuple[Path, dict[str, object]],
) -> None:
    # How much of it a busy machine shows in time, and writes, is its own affair: see below.
    path, report = rig_recorder
    assert report["state"] == State.DISARMED
    topics = [r.topic for r in reading.read(path)]
    assert {"/wire", "/rig", "/event"} <= set(topics)
    assert topics.count("/tick") <= report["ticks"]  # type: ignore[operator]
    assert ("/tick" in topics) == (report["ticks"] != 0)  # a starved one may not get to speak
    assert "/face" not in topics  # nobody asked for what the voice tells
    assert report["puppet"] is None


def test_in_lock_step_all_of_a_sentence_is_spoken_and_recorded(tmp_path: Path) -> None:
    face = load_face(FACE)
    sim = simulated(face)
    board = Board(face, sim, sim.now, LIVE_LEAD_S)
    board.connect()
    path, recording = tmp_path / "run.mcap", RecordingSession(face)
    held = Recorder(path, face, persons=True)
    recording.hold(held)

    def patiently(_: object) -> None:  # the writer lives on real time, the face does not
        while held.queued > 100:
            time.sleep(0.001)

    voice = Reciter(Calibrated(face), audio.load(LJ_DEMO)[: 2 * audio.RATE], sim)
    end = sim.now() + 4.0
    live = LiveFace(
        face, board, sim, voice, recording=recording, watch=patiently, stop=lambda: sim.now() > end
    )
    live.run()
    board.close()
    recording.close()
    records: dict[str, list[Any]] = {}
    for record in reading.read(path):
        records.setdefault(record.topic, []).append(record.content)
    assert {"/tick", "/face", "/event", "/telemetry", "/thermal"} <= set(records)
    assert len(records["/tick"]) == live.metrics.ticks > 3 * 60
    assert live.report()["records_dropped"] == 0
    weights = np.array([content["weights"] for content in records["/face"]])
    assert weights.shape == (len(records["/face"]), 52)
    assert weights.std(axis=0).max() > 0.05  # somebody spoke
    sent = np.array([content["sent"] for content in records["/tick"]])
    assert np.ptp(sent[:, face.index("jaw_open")]) > 0.1  # and the face said it
    assert np.isfinite(sent).all()
    assert state_of(sim) == State.DISARMED


def test_the_recording_replays_bit_for_bit(rig_recorder: tuple[Path, dict[str, object]]) -> None:
    states = sum(r.topic == "/rig" for r in reading.read(rig_recorder[0]))
    found = replay(rig_recorder[0])
    assert found.compared == states > 0  # how many there are is for the machine to say
    assert found.different == 0


def test_another_robot_does_not_replay_the_same(
    rig_recorder: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Another(reading.Recording):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.about["build"] = 3

    monkeypatch.setattr(replaying, "Recording", Another)
    assert replay(rig_recorder[0]).different > 0


def test_a_network_that_is_killed_ends_in_rest() -> None:
    boards: list[Opened] = []

    def kill(at: Opened, _: object) -> None:
        boards.append(at)
        if len(boards) == 40:
            children = subprocess.run(
                ["pgrep", "-P", str(os.getpid()), "-f", "multiprocessing.spawn"],
                capture_output=True, text=True, check=True,
            ).stdout.split()  # fmt: skip
            os.kill(int(children[-1]), signal.SIGKILL)

    with pytest.raises(MienError, match="voice process"):
        run(Options(VoiceSetup(FACE, source="quiet"), watch=kill), Stop(120.0))
    assert boards[0].rig is not None
    assert state_of(boards[0].rig.sim) == State.DISARMED


def test_a_missing_file_is_said_before_anything_starts(tmp_path: Path) -> None:
    setup = VoiceSetup(FACE, source="wav", path=tmp_path / "none.wav")
    with pytest.raises(InputError, match="no sound file"):
        run(Options(setup), Stop(1.0))


def test_what_is_wrong_over_there_is_said_here() -> None:
    voice = VoiceProcess(VoiceSetup(FACE, source="harp"))
    try:
        with pytest.raises(MienError, match="'harp': allowed are mic") as wrong:
            voice.start()
        assert wrong.value.exit_code == InputError.exit_code
    finally:
        voice.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_in_rest_with_its_exit_code(tmp_path: Path, sign: signal.Signals) -> None:
    recording = tmp_path / "run.mcap"
    program = (
        "import sys, typer\n"
        "from mien.robot.verbs.live import live\n"
        "if __name__ == '__main__':\n    typer.run(live)\n"
    )
    script = tmp_path / "live.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, str(script), "--face", FACE, "--wav", str(LJ_DEMO), "--repeat",
         "--record", str(recording), "--json"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    line = ""
    while "live:" not in line:
        line = process.stderr.readline()
        assert line, "it ended before it began"
    while sum(r.topic == "/tick" for r in reading.read(recording)) < 30:
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    process.send_signal(sign)
    out, _ = process.communicate()
    assert process.returncode == 130
    assert json.loads(out)["ticks"] > 0
    safe = reading.origin(recording)[0].pulses[:, 1]
    last = [r.content["pulses_us"] for r in reading.read(recording) if r.topic == "/tick"]
    assert np.isfinite(last).all()
    assert len(safe) == len(last[0])
    assert replay(recording).different == 0


def test_emotions_are_parsed() -> None:
    assert parse_emotion("") == {}
    assert parse_emotion("happiness=0.5,surprise") == {"happiness": 0.5, "surprise": 1.0}
    for wrong in ("happiness=2", "happiness=x", "happiness=nan"):
        with pytest.raises(InputError, match=r"0\.\.1"):
            parse_emotion(wrong)


def test_addresses_are_parsed() -> None:
    assert parse_address("", 1) is None
    assert parse_address("host", 11111) == ("host", 11111)
    assert parse_address("10.0.0.2:9000", 1) == ("10.0.0.2", 9000)
    for wrong in ("host:0", "host:99999", "host:x", ":5"):
        with pytest.raises(InputError, match="HOST"):
            parse_address(wrong, 1)


def test_one_source_at_a_time() -> None:
    assert source_of(None, 0, "") == "mic"
    assert source_of(None, 16000, "") == "pcm"
    with pytest.raises(InputError, match="--wav and --text"):
        source_of(Path("a"), 0, "b")


def test_the_pose_is_what_a_puppeteer_sends() -> None:
    from mien.models.face.blendshapes import INDEX
    from mien.robot.live.puppet_input import LOST_AFTER_S, PuppetInput
    from mien.robot.puppet.datagrams import Puppet
    from mien.robot.puppet.mirror import Mirror

    face = load_face(FACE)
    inlet = Puppet(0)
    mirror = Mirror(("127.0.0.1", inlet.port))
    pull = PuppetInput(Calibrated(face), inlet)
    try:
        assert pull(0.0) is None
        weights = np.zeros(52, np.float32)
        weights[INDEX["jawOpen"]] = 0.8
        pose = None
        for k in range(60):
            mirror.send(k / 60, weights, np.zeros(9, np.float32))
            pose = pull(k / 60)
        assert pose is not None
        assert pose[face.index("jaw_open")] > 0.3
        assert pull(2.0 + LOST_AFTER_S) is None  # the puppeteer is gone
    finally:
        inlet.close()
        mirror.close()
