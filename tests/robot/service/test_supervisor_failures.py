"""What fails around an unattended face: its loop, its board, its disk, the supervisor itself."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mien.robot.errors import DeviceError, EmergencyStopError, InputError
from mien.robot.live.run import Options
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.service.notify import ALIVE
from mien.robot.service.places import log_path
from mien.robot.service.settings import Log, Settings
from mien.robot.service.supervisor import Supervisor
from mien.robot.stopping import Stop
from mien.robot.verbs.running import run_patiently
from tests.robot.live.stage import FACE
from tests.robot.service.night import RULE, Night
from tests.robot.service.places import own_folders


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return own_folders(tmp_path, monkeypatch)


def test_a_loop_that_stands_still_is_said_by_the_thread() -> None:
    night = Night()
    night.run(3.0)
    night.stage.clock.sleep(60.0)
    assert any("stands still for 6" in p for p in night.supervisor.status().problems)


def test_systemd_gets_no_sign_of_life_from_a_loop_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signs: list[str] = []
    monkeypatch.setattr(
        "mien.robot.service.supervisor.notify", lambda *words: signs.append(words[0])
    )
    night = Night()
    night.run(3.0)
    assert signs.count(ALIVE) >= 5
    signs.clear()
    night.supervisor.errand()
    assert signs == [ALIVE]
    night.stage.clock.sleep(30.0)  # a deadlock
    night.supervisor.errand()
    assert signs == [ALIVE]


def test_an_errand_that_fails_ends_neither_the_thread_nor_the_run() -> None:
    turns: list[str] = []
    after = Event()

    def free() -> float:
        turns.append(supervisor.status().problems[-1] if len(turns) == 3 else "")
        if len(turns) in (2, 3):  # the first is that of the start
            raise ZeroDivisionError("no such disk")
        if len(turns) > 4:
            after.set()
        return 1e6

    supervisor = Supervisor(FACE, "sim", Settings(arm=RULE), free=free, every_s=0.001)
    with supervisor:
        assert after.wait(30.0)
    assert "ZeroDivisionError: no such disk" in turns[3]
    assert not any("failed" in p for p in supervisor.status().problems)
    assert "the supervisor failed" in log_path().read_text()


def test_a_board_that_is_missing_at_the_start_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[str] = []

    def run(options: Any, _stop: object) -> dict[str, Any]:
        tries.append(options.supervisor.waiting)
        if len(tries) < 3:
            raise DeviceError("no board at /dev/ttyACM0", "mien ports")
        return {"seconds": 1.0}

    monkeypatch.setattr("mien.robot.live.run.run", run)
    monkeypatch.setattr("mien.robot.verbs.running.RETRY_S", 0.0)
    supervisor = Supervisor(FACE, "auto", Settings(arm=RULE))
    report = run_patiently(Options(VoiceSetup(FACE.name)), Stop(), supervisor)
    assert report == {"seconds": 1.0}
    assert tries == ["it starts", *["no board at /dev/ttyACM0"] * 2]
    with pytest.raises(DeviceError, match="no board"):  # somebody attends, and is told
        tries.clear()
        run_patiently(Options(VoiceSetup(FACE.name)), Stop(), Supervisor(FACE, "auto"))


def test_only_what_is_missing_at_the_start_is_waited_for() -> None:
    absent, refused = DeviceError("no board", "mien ports"), InputError("no such face")
    supervisor = Supervisor(FACE, "auto", Settings(arm=RULE))
    assert supervisor.patient(absent)
    assert supervisor.waiting == "no board"
    assert not supervisor.patient(refused)
    assert not supervisor.patient(EmergencyStopError("stop"))
    assert not Supervisor(FACE, "auto").patient(absent)  # a person is there to be told
    night = Night()
    night.run(1.0)
    assert not night.supervisor.patient(absent)  # it has begun: a restart has to count


def test_the_log_is_bounded_and_says_what_changed() -> None:
    night = Night(Settings(arm=RULE, log=Log(max_mb=0.01, keep=2)))
    night.run(4.0)
    text = log_path().read_text()
    assert text.count("may move") == 1
    assert text.count("healthy for") == 1  # its seconds are no news
    for _ in range(12):
        Night(night.settings).run(1.0)
    sizes = [p.stat().st_size for p in log_path().parent.glob("service.log*")]
    assert len(sizes) <= 3
    assert max(sizes) <= 10_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_takes_no_log_disturbs_nobody() -> None:
    log_path().parent.mkdir(parents=True)
    log_path().symlink_to("/dev/full")
    night = Night()
    night.run(4.0)
    assert len(night.armed()) == 1


def test_a_folder_that_others_may_write_to_ends_no_errand(home: Path) -> None:
    night = Night()
    night.script[2.5] = lambda: home.chmod(0o777)
    night.run(4.0)
    assert len(night.armed()) == 1
    night.supervisor.errand()
