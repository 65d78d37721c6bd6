"""Changes to the lines of the link to a board, each with its tests."""

from __future__ import annotations

from tests.bench.mutation import Mutant
from tests.robot.mutants import VERBS, emergency

BOARD = (
    "tests/robot/link/test_board.py",
    "tests/robot/link/test_board_away.py",
    "tests/robot/link/test_board_estop.py",
)


UPLOAD = ("tests/robot/link/test_upload.py",)


MUTANTS = (
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
        "elif telemetry is not None and telemetry.state == State.ESTOP:",
        "elif False:",
        BOARD,
    ),
    Mutant(
        "a stopped board is sent to",
        "robot/link/board.py",
        "        if self._stopped:\n            raise handshake.estopped()\n        last_us",
        "        last_us",
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
        "elif telemetry is not None and self._armed and telemetry.state != State.ARMED:",
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
        "np.where(np.isfinite(pulses_us), pulses_us, last_us)",
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
        emergency("test_a_board_that_answers_with_another_state_has_not_confirmed"),
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
