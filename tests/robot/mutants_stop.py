"""Changes to the lines of the emergency stop and of who is heard, each with its tests."""

from __future__ import annotations

from tests.bench.mutation import Mutant
from tests.robot.mutants import VERBS, emergency

SIGNALS = ("tests/robot/test_stopping.py",)


SOCKET = ("tests/robot/control/test_estop_socket.py",)


REQUESTS = ("tests/robot/live/test_requests.py",)


MUTANTS = (
    Mutant(
        "a second Ctrl-C is ignored",
        "robot/stopping.py",
        "            raise KeyboardInterrupt\n",
        "            return\n",
        SIGNALS,
    ),
    Mutant(
        "SIGTERM kills a moving face",
        "robot/stopping.py",
        "for s in (signal.SIGINT, signal.SIGTERM)}",
        "for s in (signal.SIGINT,)}",
        SIGNALS,
    ),
    Mutant(
        "no end by time",
        "robot/stopping.py",
        "self.signalled or time.monotonic() > self._end",
        "self.signalled",
        SIGNALS,
    ),
    Mutant(
        "the line is not looked at while it waits",
        "robot/control/emergency.py",
        "self._line.read(min(POLL_S, timeout_s))",
        "self._line.read(timeout_s)",
        emergency("test_a_wait_on_the_line_ends_at_the_request"),
    ),
    Mutant(
        "the stop waits for the next write",
        "robot/control/emergency.py",
        "                self._emergency.check()\n                left",
        "                left",
        emergency("test_a_wait_on_the_line_ends_at_the_request"),
    ),
    Mutant(
        "a stopped line still carries frames",
        "robot/control/emergency.py",
        "            self._emergency.check()\n            self._line.write(data)",
        "            self._line.write(data)",
        emergency("test_after_the_stop_line_and_clock_refuse_everything"),
    ),
    Mutant(
        "the clock does not stop",
        "robot/control/emergency.py",
        "        self._clock.sleep_until(t)\n        self._emergency.check()",
        "        self._clock.sleep_until(t)",
        emergency("test_after_the_stop_line_and_clock_refuse_everything"),
    ),
    Mutant(
        "a line that is gone is not opened again for the stop",
        "robot/control/emergency.py",
        "            self._raw.reopen()  # the line was gone; the cable may be in again\n",
        "            raise\n",
        emergency("test_a_cable_that_is_back_is_used_for_the_stop"),
    ),
    Mutant(
        "a stop that nobody confirmed is said to be one",
        "robot/control/emergency.py",
        "            self._estop_socket.failed(e.message)\n",
        "            self._estop_socket.stopped(State.ESTOP.name)\n",
        emergency("test_a_stop_while_the_cable_is_out_is_not_hidden"),
    ),
    Mutant(
        "the last moment of a run is deaf",
        "robot/control/connect.py",
        "        emergency.end()\n",
        "",
        emergency("test_a_stop_between_the_last_tick_and_the_goodbye_is_an_error_too"),
    ),
    Mutant(
        "a stop in the last moment ends well",
        "robot/control/connect.py",
        "    if emergency.error:",
        "    if False:",
        emergency("test_a_stop_between_the_last_tick_and_the_goodbye_is_an_error_too"),
    ),
    Mutant(
        "the rig sleeps through the request",
        "robot/control/connect.py",
        "LiveRig(sim, wire, sleep=estop_socket.wake.wait, ",
        "LiveRig(sim, wire, ",
        emergency("test_a_run_on_the_rig_is_stopped_from_another_process"),
    ),
    Mutant(
        "a real clock sleeps through the request",
        "robot/control/machine_clock.py",
        "            self._wake.wait(ahead)\n",
        "            time.sleep(ahead)\n",
        ("tests/robot/control/test_machine_clock.py",),
    ),
    Mutant(
        "anybody is heard",
        "robot/control/estop_socket.py",
        "if _ours(client) and _line(client, len(REQUEST)) == REQUEST:",
        "if _line(client, len(REQUEST)) == REQUEST:",
        SOCKET,
    ),
    Mutant(
        "anything said is a stop",
        "robot/control/estop_socket.py",
        "_line(client, len(REQUEST)) == REQUEST:",
        "_line(client, len(REQUEST)) is not None:",
        SOCKET,
    ),
    Mutant(
        "the answer comes before the outputs are off",
        "robot/control/estop_socket.py",
        "lambda: bool(self._result) or self._port is None",
        "lambda: True",
        SOCKET,
    ),
    Mutant(
        "a run that hangs is taken for stopped",
        "robot/control/estop_socket.py",
        'if known else {"error": "the run is busy"}',
        "if True else {}",
        SOCKET,
    ),
    Mutant(
        "a folder of everybody is used",
        "robot/control/estop_socket.py",
        "not found.st_mode & 0o077",
        "True",
        SOCKET,
    ),
    Mutant(
        "a link is followed", "robot/control/estop_socket.py", "home.lstat()", "home.stat()", SOCKET
    ),
    Mutant(
        "runs are not asked", "robot/control/stop_all.py", "runs = sockets()", "runs = []", VERBS
    ),
    Mutant(
        "a run that failed is not told",
        "robot/control/stop_all.py",
        "    if failures:\n        raise failures[0]\n",
        "",
        VERBS,
    ),
    Mutant(
        "one board that is mute saves the others",
        "robot/control/stop_all.py",
        "            failures.append(e)",
        "            raise",
        VERBS,
    ),
    Mutant(
        "what no panel may ask ends the run",
        "robot/live/requests.py",
        "    except (AttributeError, TypeError, ValueError):\n        return None",
        "    except AttributeError:\n        return None",
        REQUESTS,
    ),
    Mutant(
        "an e-stop waits behind a flood",
        "robot/live/requests.py",
        "        return [Estop()], 0\n",
        "        pass\n",
        REQUESTS,
    ),
    Mutant(
        "a flood is obeyed whole",
        "robot/live/requests.py",
        "for message in messages[-MAX_PER_TICK:]:",
        "for message in messages:",
        REQUESTS,
    ),
)
