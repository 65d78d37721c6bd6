"""Who may move the face over UDP, and who of them has it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import InputError
from mien.robot.puppet import osc
from mien.robot.puppet.consent import PATIENCE_S, senders
from mien.robot.puppet.datagrams import MAX_BURST, Puppet, VmcPuppet
from mien.robot.puppet.livelink_udp import LiveLinkPacket, encode
from mien.robot.puppet.senders import (
    BYTES_PER_S,
    HOLD_S,
    PACKETS_PER_S,
    STEADY_FRAMES,
    Budget,
    Control,
    networks,
)

PHONE, STRAY, OTHER = ("192.168.1.5", 4000), ("192.168.1.6", 4000), ("192.168.1.7", 4000)


def play(control: Control, rates: dict[tuple[str, int], float], begin: float, end: float) -> None:
    """Every sender sends valid frames at its rate (1/s) from ``begin`` to ``end`` s."""
    events = [
        (begin + k / rate, sender)
        for sender, rate in rates.items()
        for k in range(int((end - begin) * rate))
    ]
    for t, sender in sorted(events):
        control.accept(sender, t)


def test_the_first_valid_sender_has_the_face_and_keeps_it() -> None:
    control = Control()
    assert control.accept(PHONE, 0.0)
    play(control, {PHONE: 60.0, STRAY: 60.0, OTHER: 1000.0}, 0.0, 5.0)
    assert control.holder == PHONE
    assert control.handovers == 0


@pytest.mark.parametrize("rate", [1.5, 2.0, 5.0, 9.0])
def test_a_stray_sender_of_a_few_packets_a_second_does_not_lock_the_phone_out(rate: float) -> None:
    control = Control()
    play(control, {STRAY: rate}, 0.0, 3.0)
    assert control.holder == STRAY
    play(control, {STRAY: rate, PHONE: 60.0}, 3.0, 3.1 + HOLD_S)
    assert control.holder == PHONE
    play(control, {STRAY: rate, PHONE: 60.0}, 4.1, 20.0)
    assert control.holder == PHONE
    assert control.handovers == 1


def test_a_sender_that_fell_silent_loses_the_face_and_not_earlier() -> None:
    control = Control()
    play(control, {PHONE: 60.0}, 0.0, 2.0)
    last = 2.0 - 1 / 60
    assert not control.accept(STRAY, last + HOLD_S - 0.01)
    assert control.accept(STRAY, last + HOLD_S)


def test_a_burst_is_no_steady_sender() -> None:
    control = Control()
    play(control, {PHONE: STEADY_FRAMES - 1}, 0.0, 3.0)
    play(control, {STRAY: 1000.0}, 3.0, 3.05)
    assert control.holder == PHONE


def test_two_slow_senders_do_not_take_the_face_from_each_other() -> None:
    control = Control()
    play(control, {PHONE: 5.0, STRAY: 5.0}, 0.0, 20.0)
    assert control.handovers == 0


def test_ten_thousand_senders_are_not_remembered() -> None:
    control = Control()
    for k in range(10_000):
        control.accept((f"10.0.{k // 250}.{k % 250}", k), k * 1e-4)
    assert control.holder == ("10.0.0.0", 0)
    play(control, {PHONE: 60.0}, 3.0, 4.1)
    assert control.holder == PHONE


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([PHONE, STRAY, OTHER]), st.floats(0.0, 0.5)), max_size=300)
)
def test_the_face_never_changes_hands_between_steady_senders(
    steps: list[tuple[tuple[str, int], float]],
) -> None:
    times: dict[tuple[str, int], list[float]] = {}
    control, t = Control(), 0.0
    for sender, step in steps:
        t += step
        before = control.holder
        control.accept(sender, t)
        times.setdefault(sender, []).append(t)
        if before is not None and control.holder != before:
            recent = [x for x in times[before] if t - x <= HOLD_S]
            assert len(recent) < STEADY_FRAMES


@given(st.lists(st.tuples(st.integers(0, 70_000), st.floats(0, 0.2)), max_size=400))
def test_no_second_decodes_more_than_the_budget(packets: list[tuple[int, float]]) -> None:
    budget, t, taken = Budget(packets=100.0, size=50_000.0), 0.0, []
    for size, step in packets:
        t += step
        if budget.take(size, t):
            taken.append((t, size))
    for begin, _ in taken:
        inside = [size for at, size in taken if begin <= at < begin + 1.0]
        assert len(inside) <= 1.25 * 100 + 1
        assert sum(inside) <= 1.25 * 50_000 + 1


def test_a_face_of_sixty_a_second_is_far_within_the_budget() -> None:
    budget = Budget()
    assert all(budget.take(1400, k / 600) for k in range(6000))  # ten datagrams a frame
    assert PACKETS_PER_S > 600
    assert BYTES_PER_S > 600 * 1400


@pytest.mark.parametrize(
    "text",
    ["", "phone", "1.2.3", "1.2.3.4.5", "0.0.0.0/0", "10.0.0.0/8", "::1", "1.2.3.4/33", "\x1b[2J"],
)
def test_what_is_no_sender_or_everybody_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--allow-from") as caught:
        networks([text])
    assert caught.value.message.isprintable()


def test_another_address_needs_allowed_senders_or_somebody_to_ask() -> None:
    for host in ("0.0.0.0", "192.168.1.2", ""):
        with pytest.raises(InputError, match="from everybody") as caught:
            senders("livelink", 0, host, ())
        assert "--allow-from" in caught.value.hint
    assert [str(n) for n in senders("vmc", 0, "0.0.0.0", ("10.1.2.3",))] == ["10.1.2.3/32"]
    assert [str(n) for n in senders("vmc", 0, "127.0.0.1", ())] == ["127.0.0.0/8"]


def asked(answer: Callable[[str], bool], packets: list[bytes]) -> list[str]:
    """Whom an operator lets in who answers so, while somebody sends these packets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    t, out = [0.0], ExitStack()
    phone = out.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def sleep(_: float) -> None:
        t[0] += 0.5
        for packet in packets:
            phone.sendto(packet, ("127.0.0.1", port))

    with out:
        found = senders("livelink", port, "0.0.0.0", (), answer, lambda: t[0], sleep)
    return [str(network) for network in found]


def test_the_operator_is_asked_once_about_a_sender_and_only_yes_is_yes() -> None:
    questions: list[str] = []

    def say(answer: bool) -> Callable[[str], bool]:
        return lambda question: bool(questions.append(question)) or answer

    assert asked(say(True), [encode(LiveLinkPacket("d", "s", 1))]) == ["127.0.0.1/32"]
    assert "127.0.0.1 sends Live Link Face" in questions[0]
    questions.clear()
    with pytest.raises(InputError, match=f"within {PATIENCE_S:.0f} s"):
        asked(say(False), [encode(LiveLinkPacket("d", "s", 1))])
    assert len(questions) == 1
    questions.clear()
    with pytest.raises(InputError, match="no sender"):
        asked(say(True), [b"garbage"])
    assert not questions


def livelink(number: int, opening: float) -> bytes:
    weights = np.zeros(52, np.float32)
    weights[INDEX["jawOpen"]] = opening
    return encode(LiveLinkPacket("phone", "iPhone", number, weights=weights))


def test_only_allowed_addresses_are_decoded_at_all() -> None:
    with (
        Puppet(0, allow=networks(["10.1.2.3"])) as port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        for k in range(20):
            stranger.sendto(livelink(k, 1.0), ("127.0.0.1", port.port))
        assert port.poll(0.0) is None
        assert (port.counts.foreign, port.counts.malformed, port.counts.taken) == (20, 0, 0)


def test_osc_that_is_not_vmc_takes_no_face() -> None:
    with (
        VmcPuppet(0) as port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stray,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as avatar,
    ):
        for k in range(40):
            stray.sendto(osc.message("/ping", k), ("127.0.0.1", port.port))
        port.poll(0.0)
        for packet in osc.encode(0.0, np.ones(52, np.float32), np.zeros(9, np.float32)):
            avatar.sendto(packet, ("127.0.0.1", port.port))
        seen = port.poll(0.1)
        assert seen is not None
        assert seen.weights.min() == 1.0
        assert port.counts.malformed == 40


def test_a_flood_of_others_leaves_the_budget_of_the_one_who_has_the_face() -> None:
    with (
        Puppet(0) as port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder,
    ):
        for k in range(300):
            t = k / 60
            for _ in range(MAX_BURST - 1 if k else 0):
                flooder.sendto(b"\x06" * 700, ("127.0.0.1", port.port))
            phone.sendto(livelink(k, (k % 2) / 2), ("127.0.0.1", port.port))
            seen = port.poll(t)
            assert seen is not None
            assert seen.weights[INDEX["jawOpen"]] == (k % 2) / 2
        assert port.counts.taken == 300
        assert port.counts.over > 0


def test_nothing_of_one_performer_is_left_to_the_next() -> None:
    with (
        VmcPuppet(0) as port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        to = ("127.0.0.1", port.port)
        one.sendto(osc.message(osc.PREFIX + "Blend/Val", "JawOpen", 1.0), to)
        port.poll(0.0)
        two.sendto(osc.message(osc.PREFIX + "Blend/Apply"), to)
        seen = port.poll(HOLD_S + 0.1)
        assert seen is not None
        assert not seen.weights.any()
