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


def emergency(test: str) -> tuple[str, ...]:
    return (f"tests/robot/control/test_emergency.py::{test}",)


VERBS = ("tests/robot/verbs/test_estop.py",)

_LOOP = (
    Mutant(
        "pulses from the target",
        "robot/control/loop.py",
        "to_pulses(self._face, limited.commands)",
        "to_pulses(self._face, target)",
        LOOP,
    ),
    Mutant(
        "the limiter remembers the target",
        "robot/control/loop.py",
        "self._last = limited.commands",
        "self._last = target",
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
        "                self._ramp(np.clip(target, *self._face.limits.T), before=True)\n",
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
        "no upper speed limit",
        "robot/face/safety.py",
        "-max_step, max_step)",
        "-max_step, np.inf)",
        LIMITER,
    ),
    Mutant(
        "no lower speed limit",
        "robot/face/safety.py",
        "-max_step, max_step)",
        "-np.inf, max_step)",
        LIMITER,
    ),
    Mutant(
        "time that runs back moves the face",
        "robot/face/safety.py",
        "max(dt, 0.0)",
        "abs(dt)",
        LIMITER,
    ),
    Mutant(
        "no range",
        "robot/face/safety.py",
        "np.clip(finite, self._low, self._high)",
        "finite",
        LIMITER,
    ),
    Mutant(
        "what is not a number goes to the middle",
        "robot/face/safety.py",
        "np.where(np.isfinite(target), target, last)",
        "np.where(np.isfinite(target), target, 0.0)",
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


MUTANTS = (*_LOOP, *_LIMITER)
