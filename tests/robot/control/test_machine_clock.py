import threading

from mien.robot.control.machine_clock import MachineClock


def test_the_clock_of_a_real_board_wakes_at_the_request() -> None:
    wake = threading.Event()
    threading.Timer(0.02, wake.set).start()
    clock = MachineClock(wake)
    end = clock.now() + 20.0
    clock.sleep_until(end)
    assert wake.is_set()
    assert clock.now() < end


def test_the_clock_of_a_real_board_sleeps_without_a_request() -> None:
    clock = MachineClock()
    end = clock.now() + 0.01
    clock.sleep_until(end)
    assert clock.now() >= end
