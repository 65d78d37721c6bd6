"""Signals as a request to stop: the first asks for rest, the second does not wait for it."""

import os
import signal

import pytest

from mien.robot.stopping import Stop, stopping


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_interrupts(sign: signal.Signals) -> None:
    before = signal.getsignal(sign)
    with stopping() as stop:
        assert not stop.requested()
        assert signal.getsignal(sign) == stop.signal  # or it would end the tests themselves
        os.kill(os.getpid(), sign)
        assert stop.signalled
        assert stop.requested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), sign)
            signal.sigtimedwait([], 0)  # a call in which a waiting signal is handled
    assert signal.getsignal(sign) == before


def test_time_is_up_after_the_seconds_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("mien.robot.stopping.time.monotonic", lambda: now[0])
    stop, endless = Stop(5.0), Stop()
    now[0] = 104.0
    assert not stop.requested()
    stop.begin()  # the time counts from here
    now[0] = 108.9
    assert not stop.requested()
    now[0] = 109.1
    assert stop.requested()
    now[0] = 1e9
    assert not endless.requested()
    assert not stop.signalled
