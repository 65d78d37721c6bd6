"""What the loop hands to the board, and when: on a board that writes down what it is told."""

from collections.abc import Callable

import numpy as np
import pytest

from mien.robot.control.loop import NUDGE_S, RATE_HZ, SETTLE_S, Loop, Tick
from mien.robot.errors import DeviceError, EmergencyStopError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import Floats, load_face
from mien.robot.face.safety import Limiter, ramp_seconds

FACE = load_face("hobby9")
N = len(FACE.names)
SAFE = to_pulses(FACE, FACE.safe)
DT = 1.0 / RATE_HZ


class Clock:
    """Time that passes when somebody waits for it."""

    t = 50.0

    def now(self) -> float:
        return self.t

    def sleep_until(self, t: float) -> None:
        self.t = max(self.t, t)


class Board:
    """Writes down (clock, what) of every call. ``fails``: raises there."""

    lead_s = 0.06
    homed_at = -np.inf

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.said: list[str] = []
        self.sent: list[tuple[float, float, Floats]] = []  # (clock, due, pulses)
        self.ends = {"disarm": np.inf, "read": np.inf}
        self.fails: Callable[[], bool] = lambda: False

    def arm(self) -> None:
        self.said.append("arm")

    def pace(self, _t: float) -> float:
        return 1.0

    def send(self, t: float, pulses: Floats) -> Floats:
        if self.fails():
            raise DeviceError("the board was away for 10 s")
        self.said.append("send")
        self.sent.append((self._clock.now(), t, pulses.copy()))
        return pulses

    def read(self) -> None:
        self.said.append("read")

    def disarm(self) -> None:
        self.said.append("disarm")
        self.ends["disarm"] = self._clock.now()


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.board = Board(self.clock)
        self.ticks: list[Tick] = []
        self.loop = Loop(FACE, self.board, self.clock, self.ticks.append)

    def follow(self, seconds: float, commands: Callable[[float], Floats]) -> None:
        end = self.clock.now() + seconds
        self.loop.follow(lambda t: commands(t) if t < end else None)


def jumping(t: float) -> Floats:
    """From end to end at once, again and again."""
    return FACE.limits[:, int(t * 10) % 2]


@pytest.mark.parametrize("play", [False, True])
def test_the_board_gets_what_the_limiter_let_through_and_nothing_else(play: bool) -> None:
    stage = Stage()
    if play:
        stage.loop.play(jumping, 2.0)
    else:
        stage.follow(2.0, jumping)
    limit, last = Limiter(FACE), FACE.safe
    for tick, (_, _, pulses) in zip(stage.ticks, stage.board.sent, strict=False):
        allowed = limit(tick.target, last, DT).commands
        np.testing.assert_array_equal(tick.sent, allowed)
        np.testing.assert_array_equal(pulses, to_pulses(FACE, allowed))
        last = allowed
    sent = np.stack([p for _, _, p in stage.board.sent])
    most = FACE.speed * DT * np.diff(FACE.pulses, axis=1).max(axis=1)
    assert (np.abs(np.diff(sent, axis=0)) <= most + 1e-6).all()
    assert np.abs(np.diff(sent, axis=0)).max() > 0.9 * most.min()  # it was really asked for


def test_a_jump_is_reported_as_slowed_and_what_is_out_of_range_as_clipped() -> None:
    stage = Stage()
    stage.follow(1.0, lambda t: np.full(N, 3.0) if t > 50.6 else FACE.safe)
    jumped = [tick for tick in stage.ticks if tick.clipped.any()]
    assert jumped and jumped[0].slowed.all() and jumped[0].clipped.all()
    np.testing.assert_array_equal(jumped[0].target, np.full(N, 3.0))


def test_a_clip_sent_ahead_begins_with_its_first_frame() -> None:
    lead = 0.07
    spread = 0.1 * np.arange(1, N + 1) / N

    def commands(t: float) -> Floats:
        """A clip that moves slowly from its first frame on."""
        return np.clip(FACE.safe + spread * max(t + lead, 0.0), *FACE.limits.T)

    stage = Stage()
    stage.loop.play(commands, 1.0, lead)
    clip = [tick for tick in stage.ticks if tick.t > -lead - 2 * DT]
    np.testing.assert_allclose(np.diff([tick.t for tick in clip]), DT)
    np.testing.assert_array_equal(clip[0].target, np.clip(FACE.safe, *FACE.limits.T))
    for tick in clip[1:]:
        np.testing.assert_array_equal(tick.target, commands(tick.t))
    assert sum(tick.t > -DT / 2 for tick in clip) == RATE_HZ


class FailedError(Exception):
    pass


@pytest.mark.parametrize("error", [None, FailedError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("play", [False, True])
def test_however_it_ends_the_face_ramps_to_safe_and_is_released(
    play: bool, error: type[BaseException] | None
) -> None:
    stage = Stage()
    wanted = np.clip(np.full(N, 0.8), *FACE.limits.T)

    def commands(t: float) -> Floats:
        if error is not None and t - (0.0 if play else 50.0) > 0.6:
            raise error
        return wanted

    def run() -> None:
        if play:
            stage.loop.play(commands, 1.0)
        else:
            stage.follow(2.0, commands)

    if error is None:
        run()
    else:
        with pytest.raises(error):
            run()
    assert stage.board.said[-1] == "disarm"
    sent = np.stack([p for _, _, p in stage.board.sent])
    np.testing.assert_allclose(sent[-1], SAFE)
    assert np.abs(np.diff(sent, axis=0)).max() < 20  # us a tick: a ramp, no jump


def test_it_is_released_only_when_the_servo_has_arrived() -> None:
    stage = Stage()
    stage.follow(2.0, lambda _: np.clip(np.full(N, 0.8), *FACE.limits.T))
    arrived = next(
        t for k, (t, _, _) in enumerate(stage.board.sent)
        if all(np.allclose(p, SAFE) for _, _, p in stage.board.sent[k:])
    )  # fmt: skip
    assert stage.board.ends["disarm"] - arrived >= stage.board.lead_s + SETTLE_S - 1e-9


def test_the_first_move_is_a_ramp_from_the_safe_pose() -> None:
    stage = Stage()
    wanted = np.clip(np.full(N, 0.8), *FACE.limits.T)
    stage.follow(2.0, lambda _: wanted)
    sent = np.stack([p for _, _, p in stage.board.sent])
    first = ramp_seconds(FACE, FACE.safe, wanted)
    there = next(t for t, _, p in stage.board.sent if np.allclose(p, to_pulses(FACE, wanted)))
    assert there - 50.0 == pytest.approx(first, abs=2 * DT)
    np.testing.assert_allclose(sent[0], SAFE, atol=1.0)


def test_the_board_is_read_in_every_tick_of_every_phase() -> None:
    stage = Stage()
    stage.follow(1.0, lambda _: np.full(N, 0.3))
    assert stage.board.said[0] == "arm"
    for first, second in zip(stage.board.said[1:-1:2], stage.board.said[2:-1:2], strict=True):
        assert (first, second) == ("send", "read")


@pytest.mark.parametrize("stall", [0.02, 0.1, 1.0])
def test_ticks_that_were_missed_are_left_out_and_never_made_up_for_in_a_burst(stall: float) -> None:
    stage = Stage()
    passed = [0]

    def commands(_: float) -> Floats:
        passed[0] += 1
        if passed[0] == 90:
            stage.clock.t += stall
        return FACE.safe

    stage.follow(3.0, commands)
    times = np.array([t for t, _, _ in stage.board.sent])
    gaps = np.diff(times)
    assert gaps.max() == pytest.approx(stall, abs=1.1 * DT)
    # One tick may come at once, and one early, to where it is due; after that the pace is kept.
    assert (np.sort(gaps)[2:] > 0.9 * DT).all()
    assert stage.loop.missed == int((stall - DT) * RATE_HZ + 1e-6)
    due = np.array([d for _, d, _ in stage.board.sent])
    assert (times - due).max() == pytest.approx(stall, abs=DT)
    assert (times - due)[np.argmax(times - due) + 1 :].max() < DT


def test_deadlines_are_absolute_and_move_by_the_phase_no_more_than_they_may() -> None:
    stage = Stage()
    end = stage.clock.now() + 2.0
    stage.loop.follow(lambda t: FACE.safe if t < end else None, phase=lambda _: 0.004)
    due = np.array([tick.t for tick in stage.ticks if tick.t > 0])
    np.testing.assert_allclose(np.diff(due), DT - NUDGE_S, atol=1e-9)


def test_rest_is_quiet_about_a_board_that_is_gone_and_loud_about_a_stop() -> None:
    stage = Stage()
    stage.board.fails = lambda: True
    stage.loop.rest()
    assert "disarm" not in stage.board.said

    def stopped() -> bool:
        raise EmergencyStopError("E-STOP was asked for")

    stage.board.fails = stopped
    with pytest.raises(EmergencyStopError):
        stage.loop.rest()
