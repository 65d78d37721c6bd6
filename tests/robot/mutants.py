"""Changes to the safety lines of the host, each with the tests that must notice it.

Run by ``tests.bench.mutation``.
"""

from __future__ import annotations

from tests.bench.mutation import Mutant

LOOP = ("tests/robot/control/test_loop.py",)
INTERLOCKS = ("tests/robot/test_interlocks.py",)
LIMITER = (
    "tests/robot/face/test_safety.py::test_time_that_stands_still_or_runs_back_moves_nothing",
    "tests/robot/face/test_safety.py::test_what_is_not_a_number_holds_its_actuator_and_is_reported",
    "tests/robot/face/test_safety.py::test_what_is_out_of_range_ends_at_its_limit",
    "tests/robot/face/test_safety.py::test_a_ramp_starts_and_ends_at_rest_and_keeps_a_quarter_of_the_speed",
    "tests/robot/test_interlocks.py::test_a_face_without_interlocks_moves_at_its_speed",
)
SIGNALS = ("tests/robot/test_stopping.py",)
SOCKET = ("tests/robot/control/test_estop_socket.py",)


def _emergency(test: str) -> tuple[str, ...]:
    return (f"tests/robot/control/test_emergency.py::{test}",)


VERBS = ("tests/robot/verbs/test_estop.py",)
BOARD = (
    "tests/robot/link/test_board.py",
    "tests/robot/link/test_board_away.py",
    "tests/robot/link/test_board_estop.py",
)
UPLOAD = ("tests/robot/link/test_upload.py",)
WISHES = ("tests/robot/live/test_requests.py",)

_LOOP = (
    Mutant(
        "pulses from what was wanted",
        "robot/control/loop.py",
        "to_pulses(self._face, limited.commands)",
        "to_pulses(self._face, wanted)",
        LOOP,
    ),
    Mutant(
        "the limiter remembers what was wanted",
        "robot/control/loop.py",
        "self._last = limited.commands",
        "self._last = wanted",
        LOOP,
    ),
    Mutant(
        "play ends without rest",
        "robot/control/loop.py",
        "self._tick(start, k / RATE_HZ, commands(k / RATE_HZ))\n        finally:\n"
        "            self.rest()",
        "self._tick(start, k / RATE_HZ, commands(k / RATE_HZ))\n        finally:\n            pass",
        LOOP,
    ),
    Mutant(
        "follow ends without rest",
        "robot/control/loop.py",
        "due += behind / RATE_HZ\n        finally:\n            self.rest()",
        "due += behind / RATE_HZ\n        finally:\n            pass",
        LOOP,
    ),
    Mutant(
        "missed ticks are made up for in a burst",
        "robot/control/loop.py",
        "due += behind / RATE_HZ\n",
        "due += 0.0\n",
        LOOP,
    ),
    Mutant(
        "released before the servo has arrived",
        "robot/control/loop.py",
        "count += int(np.ceil((self._board.lead_s + SETTLE_S) * RATE_HZ))",
        "count += 0",
        LOOP,
    ),
    Mutant(
        "released before the last setpoint is due",
        "robot/control/loop.py",
        "(self._board.lead_s + SETTLE_S)",
        "SETTLE_S",
        LOOP,
    ),
    Mutant(
        "the board is not read in a tick",
        "robot/control/loop.py",
        "self._board.read()",
        "pass",
        LOOP,
    ),
    Mutant(
        "rest without a release",
        "robot/control/loop.py",
        "            self._board.disarm()\n",
        "            pass\n",
        LOOP,
    ),
    Mutant(
        "follow jumps to the first pose",
        "robot/control/loop.py",
        "                self._ramp(np.clip(wanted, *self._face.limits.T), before=True)\n",
        "                pass\n",
        LOOP,
    ),
    Mutant(
        "a stop is taken for a board that is gone",
        "robot/control/loop.py",
        "        except EmergencyStopError:\n            raise\n",
        "",
        LOOP,
    ),
    Mutant(
        "the pace drifts without bound",
        "robot/control/loop.py",
        "np.clip(phase(due), -NUDGE_S, NUDGE_S)",
        "phase(due)",
        LOOP,
    ),
)

_LIMITER = (
    Mutant(
        "what an interlock holds back counts as relief of another",
        "robot/face/safety.py",
        "np.where(adds.any(axis=0), 0.0, change)",
        "np.where(adds, 0.0, change)",
        INTERLOCKS,
    ),
    Mutant(
        "steps may cross an interlock",
        "robot/face/safety.py",
        "np.where(adds, part[:, None], 1.0).min(axis=0, initial=1.0)",
        "1.0",
        INTERLOCKS,
    ),
    Mutant(
        "no interlock on the goal",
        "robot/face/safety.py",
        "if total <= limit:",
        "if True:",
        INTERLOCKS,
    ),
    Mutant(
        "a step is held back as a whole, so that what waits never arrives",
        "robot/face/safety.py",
        "np.where(adds, part[:, None], 1.0).min",
        "np.where(self._terms != 0, part[:, None], 1.0).min",
        INTERLOCKS,
    ),
    Mutant(
        "one interlock lets another's actuator through",
        "robot/face/safety.py",
        "1.0).min(axis=0, initial=1.0)",
        "0.0).max(axis=0, initial=0.0)",
        INTERLOCKS,
    ),
    Mutant(
        "no upper speed limit", "robot/face/safety.py", "-most, most)", "-most, np.inf)", LIMITER
    ),
    Mutant(
        "no lower speed limit", "robot/face/safety.py", "-most, most)", "-np.inf, most)", LIMITER
    ),
    Mutant(
        "time that runs back moves the face",
        "robot/face/safety.py",
        "max(dt, 0.0)",
        "abs(dt)",
        LIMITER,
    ),
    Mutant(
        "no range", "robot/face/safety.py", "np.clip(held, self._low, self._high)", "held", LIMITER
    ),
    Mutant(
        "what is not a number goes to the middle",
        "robot/face/safety.py",
        "np.where(np.isfinite(wanted), wanted, last)",
        "np.where(np.isfinite(wanted), wanted, 0.0)",
        LIMITER,
    ),
    Mutant(
        "a ramp at full speed",
        "robot/face/safety.py",
        "max(0.2, 4.0 * 1.875 * slowest)",
        "max(0.2, 1.875 * slowest)",
        LIMITER,
    ),
    Mutant(
        "a ramp that starts at its speed",
        "robot/face/safety.py",
        "s = u**3 * (10.0 - 15.0 * u + 6.0 * u * u)",
        "s = u",
        LIMITER,
    ),
)

_LINK = (
    Mutant(
        "a silent board is not noticed",
        "robot/link/board.py",
        "> SILENT_S:",
        "> 1e9:",
        BOARD,
    ),
    Mutant(
        "ESTOP of the board itself is not seen",
        "robot/link/board.py",
        "elif seen is not None and seen.state == State.ESTOP:",
        "elif False:",
        BOARD,
    ),
    Mutant(
        "a stopped board is sent to",
        "robot/link/board.py",
        "        if self._stopped:\n            raise handshake.estopped()\n        held",
        "        held",
        BOARD,
    ),
    Mutant(
        "a board is armed over its stop",
        "robot/link/board.py",
        "if was_armed and not self._stopped:",
        "if was_armed:",
        BOARD,
    ),
    Mutant(
        "a stop that was found is forgotten",
        "robot/link/board.py",
        "        if self._stopped:\n            raise handshake.estopped()\n"
        "        self.counters.reconnects += 1",
        "        self.counters.reconnects += 1",
        BOARD,
    ),
    Mutant(
        "its watchdog is not noticed",
        "robot/link/board.py",
        "elif seen is not None and self._armed and seen.state != State.ARMED:",
        "elif False:",
        BOARD,
    ),
    Mutant(
        "a board is waited for without end",
        "robot/link/board.py",
        "now - self._lost_at > GIVE_UP_S",
        "False",
        BOARD,
    ),
    Mutant(
        "NaN is sent",
        "robot/link/board.py",
        "np.where(np.isfinite(pulses_us), pulses_us, held)",
        "pulses_us",
        BOARD,
    ),
    Mutant(
        "pulses of another face are sent",
        "robot/link/board.py",
        "if pulses_us.shape != self._last.shape:",
        "if False:",
        BOARD,
    ),
    Mutant(
        "close leaves the outputs on",
        "robot/link/board.py",
        "if self._armed and self._lost_at is None:",
        "if False:",
        BOARD,
    ),
    Mutant(
        "an e-stop is asked for once only",
        "robot/link/handshake.py",
        "attempts = max(1, round(patience_s / ESTOP_S))",
        "attempts = 1",
        BOARD,
    ),
    Mutant(
        "any answer confirms an e-stop",
        "robot/link/handshake.py",
        "    if state != State.ESTOP:\n",
        "    if False:\n",
        _emergency("test_a_board_that_answers_with_another_state_has_not_confirmed"),
    ),
    Mutant(
        "another protocol is spoken to",
        "robot/link/handshake.py",
        "if theirs != wire.PROTOCOL_HASH:",
        "if False:",
        BOARD,
    ),
    Mutant(
        "armed with a servo board missing",
        "robot/link/handshake.py",
        "    if ack.result == Result.BOARD:\n        missing",
        "    if False:\n        missing",
        BOARD,
    ),
    Mutant(
        "a refused ARM is taken for one",
        "robot/link/handshake.py",
        "    if ack.result != Result.OK:\n        raise refused(Msg.ARM, ack)",
        "    if False:\n        raise refused(Msg.ARM, ack)",
        BOARD,
    ),
    Mutant(
        "cleared while the button is pressed",
        "robot/link/handshake.py",
        "    if state == State.ESTOP:\n        raise DeviceError(\"the board's own",
        "    if False:\n        raise DeviceError(\"the board's own",
        VERBS,
    ),
    Mutant(
        "no idle release",
        "robot/link/upload.py",
        "idle=min(IDLE_MAX, int(np.ceil(actuator.idle_release_s * 1000 / wire.IDLE_UNIT_MS)))",
        "idle=0",
        UPLOAD,
    ),
    Mutant(
        "faster on the board than in the file",
        "robot/link/upload.py",
        "half = max(highest - neutral, neutral - lowest)",
        "half = highest - lowest",
        UPLOAD,
    ),
)

_STOP = (
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
        "self._line.read(min(LOOK_S, timeout_s))",
        "self._line.read(timeout_s)",
        _emergency("test_a_wait_on_the_line_ends_at_the_request"),
    ),
    Mutant(
        "the stop waits for the next write",
        "robot/control/emergency.py",
        "                self._emergency.check()\n                left",
        "                left",
        _emergency("test_a_wait_on_the_line_ends_at_the_request"),
    ),
    Mutant(
        "a stopped line still carries frames",
        "robot/control/emergency.py",
        "            self._emergency.check()\n            self._line.write(data)",
        "            self._line.write(data)",
        _emergency("test_after_the_stop_line_and_clock_refuse_everything"),
    ),
    Mutant(
        "the clock does not stop",
        "robot/control/emergency.py",
        "        self._clock.sleep_until(t)\n        self._emergency.check()",
        "        self._clock.sleep_until(t)",
        _emergency("test_after_the_stop_line_and_clock_refuse_everything"),
    ),
    Mutant(
        "a line that is gone is not opened again for the stop",
        "robot/control/emergency.py",
        "            self._raw.reopen()  # the line was gone; the cable may be in again\n",
        "            raise\n",
        _emergency("test_a_cable_that_is_back_is_used_for_the_stop"),
    ),
    Mutant(
        "a stop that nobody confirmed is said to be one",
        "robot/control/emergency.py",
        "            self._heard.failed(e.message)\n",
        "            self._heard.stopped(State.ESTOP.name)\n",
        _emergency("test_a_stop_while_the_cable_is_out_is_not_hidden"),
    ),
    Mutant(
        "the last moment of a run is deaf",
        "robot/control/connect.py",
        "        emergency.end()\n",
        "",
        _emergency("test_a_stop_between_the_last_tick_and_the_goodbye_is_an_error_too"),
    ),
    Mutant(
        "a stop in the last moment ends well",
        "robot/control/connect.py",
        "    if emergency.error:",
        "    if False:",
        _emergency("test_a_stop_between_the_last_tick_and_the_goodbye_is_an_error_too"),
    ),
    Mutant(
        "the rig sleeps through the request",
        "robot/control/connect.py",
        "LiveRig(sim, wire, sleep=heard.wake.wait, ",
        "LiveRig(sim, wire, ",
        _emergency("test_a_run_on_the_rig_is_stopped_from_another_process"),
    ),
    Mutant(
        "a real clock sleeps through the request",
        "robot/sim/realtime.py",
        "            self._wake.wait(ahead)\n",
        "            time.sleep(ahead)\n",
        _emergency("test_the_clock_of_a_real_board_wakes_at_the_request"),
    ),
    Mutant(
        "anybody is heard",
        "robot/control/estop_socket.py",
        "if _ours(asker) and _line(asker, len(ASK)) == ASK:",
        "if _line(asker, len(ASK)) == ASK:",
        SOCKET,
    ),
    Mutant(
        "anything said is a stop",
        "robot/control/estop_socket.py",
        "_line(asker, len(ASK)) == ASK:",
        "_line(asker, len(ASK)) is not None:",
        SOCKET,
    ),
    Mutant(
        "the answer comes before the outputs are off",
        "robot/control/estop_socket.py",
        "lambda: bool(self._said) or self._port is None",
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
    Mutant("runs are not asked", "robot/verbs/estop.py", "runs = sockets()", "runs = []", VERBS),
    Mutant(
        "a run that failed is not told",
        "robot/verbs/estop.py",
        "    if failures:\n        raise failures[0]\n",
        "",
        VERBS,
    ),
    Mutant(
        "one board that is mute saves the others",
        "robot/verbs/estop.py",
        "            failures.append(e)",
        "            raise",
        VERBS,
    ),
    Mutant(
        "what no panel may ask ends the run",
        "robot/live/requests.py",
        "    except (KeyError, TypeError, ValueError):\n        return None",
        "    except KeyError:\n        return None",
        WISHES,
    ),
    Mutant(
        "an e-stop waits behind a flood",
        "robot/live/requests.py",
        '        return [("estop",)], 0\n',
        "        pass\n",
        WISHES,
    ),
    Mutant(
        "a flood of requests is handled whole",
        "robot/live/requests.py",
        "for message in messages[-MAX_PER_TICK:]:",
        "for message in messages:",
        WISHES,
    ),
)

MUTANTS = (*_LOOP, *_LIMITER, *_LINK, *_STOP)
