"""The stop of the panel's server: it waits for nobody and says how it went."""

import json
import threading
import time
from functools import partial

import pytest

from mien.robot.errors import DeviceError
from mien.robot.panel.clients import BURST
from mien.robot.panel.messages import Estop, SetGaze, SetPose
from mien.robot.panel.outbox import EVERY_S
from tests.bench.robot.panel_flood import arrivals_ms
from tests.robot import waiting
from tests.robot.panel.served import FACE, Served, until_kind

pytestmark = pytest.mark.realtime

LOOK = {"intent": "look", "yaw": 0.5, "pitch": -0.5}
until = partial(waiting.until, seconds=100.0)
N = len(FACE.names)


def test_a_stop_asks_the_run_itself_and_everybody_hears_how_it_went() -> None:
    asked = threading.Event()

    def ask() -> str:
        assert asked.wait(30)
        return "ESTOP"

    with Served(ask) as at, at.line() as other, at.stop_line() as line:
        line.send("estop")
        assert until_kind(other, "stop")["phase"] == "requested"
        asked.set()
        assert until_kind(other, "stop")["phase"] == "done"
        with at.line() as later:
            assert until_kind(later, "stop")["phase"] == "done"
        assert Estop() not in at.to_loop


def test_a_stop_that_is_not_confirmed_is_said_and_asks_the_loop_as_well() -> None:
    def ask() -> str:
        raise DeviceError("the board did not confirm", "cut the servo supply")

    with Served(ask) as at, at.line() as line:
        line.send("estop")  # the other connection may be the one that was lost
        assert until_kind(line, "stop")["phase"] == "requested"
        said = until_kind(line, "stop")
        assert (said["phase"], said["message"]) == ("unconfirmed", "the board did not confirm")
        assert until(lambda: Estop() in at.to_loop)
    with Served(lambda: "ARMED") as at, at.line() as line:
        line.send("estop")
        assert until(lambda: until_kind(line, "stop")["phase"] == "unconfirmed")


def test_without_a_socket_of_the_run_the_stop_goes_over_the_pipe() -> None:
    with Served() as at, at.stop_line() as line, at.line() as other:
        line.send("estop")
        assert until(lambda: at.to_loop == [Estop()])
        assert until_kind(other, "stop")["phase"] == "requested"


def test_a_stop_passes_a_flood_of_another_browser() -> None:
    asked = threading.Event()

    def ask() -> str:
        asked.set()
        return "ESTOP"

    poses = [json.dumps({"intent": "tune", "pose": [k % 1000 / 1000] * N}) for k in range(30_000)]
    with Served(ask) as at, at.stop_line() as line:
        start = time.monotonic()

        def flood() -> None:
            with at.line() as flooding:
                flooding.send_many(poses)
                while not asked.is_set():
                    flooding.send_many(poses)
                until(lambda: at.to_loop[-1:] == [SetPose((0.999,) * N)])

        thread = threading.Thread(target=flood)
        thread.start()
        assert until(lambda: len(at.to_loop) > 2)
        line.send("estop")
        assert asked.wait(30)  # else the flood would go on for ever
        thread.join(100)
        assert at.to_loop[-1] == SetPose((0.999,) * N)  # and its newest wish is what is left
        assert len(at.to_loop) <= (time.monotonic() - start) / EVERY_S + 2


def test_a_stop_passes_the_flood_of_its_own_connection() -> None:
    asked = threading.Event()

    def ask() -> str:
        asked.set()
        return "ESTOP"

    with Served(ask) as at, at.line() as line:
        line.send_many([json.dumps(LOOK)] * int(3 * BURST))
        line.send("estop")
        assert asked.wait(30)
        passed = sum(isinstance(m, SetGaze) for m in at.to_loop)
        assert passed < 2 * BURST  # most still wait or were passed over


@pytest.mark.slow
def test_a_stop_reaches_the_run_while_the_panel_is_flooded() -> None:
    found = arrivals_ms(trials=3, messages=1000)
    assert len(found) == 3
    assert all(0.0 < ms < 30_000.0 for ms in found)
