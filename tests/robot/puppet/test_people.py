import math
import socket

import pytest

from mien.robot.errors import InputError
from mien.robot.expression.attention import MOST_PEOPLE, Person
from mien.robot.puppet.consent import senders
from mien.robot.puppet.osc import OscMessage, bundle, message
from mien.robot.puppet.people import ADDRESS, PeoplePort, person
from mien.robot.puppet.senders import LOOPBACK


def receive(*packets: bytes) -> tuple[tuple[Person, ...] | None, PeoplePort]:
    with PeoplePort(0) as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packet in packets:
            sender.sendto(packet, ("127.0.0.1", port.port))
        return port.poll(0.0), port


def test_the_people_of_a_bundle_are_one_observation() -> None:
    packet = bundle(
        [
            message(ADDRESS, 3, 10.0, -2.5, 1.5),
            message(ADDRESS, 7, -20.0, 0.0),
        ]
    )
    seen, port = receive(packet)
    assert seen == (Person(3, 10.0, -2.5, 1.5), Person(7, -20.0, 0.0, 1.0))
    assert (port.counts.taken, port.counts.unknown) == (1, 0)


def test_the_newest_place_of_a_person_counts() -> None:
    seen, _ = receive(message(ADDRESS, 1, 10.0, 0.0, 1.0), message(ADDRESS, 1, 12.0, 0.0, 1.0))
    assert seen == (Person(1, 12.0, 0.0, 1.0),)


def test_silence_is_no_observation() -> None:
    assert receive()[0] is None


@pytest.mark.parametrize(
    "values",
    [
        (),
        (1,),
        (1, 2.0),
        (1, 2.0, 3.0, 1.0, 5.0),
        ("one", 2.0, 3.0, 1.0),
        (1, "left", 3.0, 1.0),
        (-1, 2.0, 3.0, 1.0),
        (1.5, 2.0, 3.0, 1.0),
        (True, 2.0, 3.0, 1.0),
        (1, True, 3.0, 1.0),
        (2**40, 2.0, 3.0, 1.0),
        (math.nan, 2.0, 3.0, 1.0),
        (math.inf, 2.0, 3.0, 1.0),
        (1, math.nan, 3.0, 1.0),
        (1, 2.0, math.inf, 1.0),
        (1, 2.0, 3.0, math.nan),
        (1, 91.0, 3.0, 1.0),
        (1, 2.0, -61.0, 1.0),
        (1, 2.0, 3.0, 0.0),
        (1, 2.0, 3.0, 1e6),
        (1, None, 3.0, 1.0),
    ],
)
def test_what_is_no_person_is_not_one(values: tuple[object, ...]) -> None:
    assert person(OscMessage(ADDRESS, values)) is None


def test_a_number_may_have_any_type() -> None:
    assert person(OscMessage(ADDRESS, (1.0, 2, 3, 1))) == Person(1, 2.0, 3.0, 1.0)


def test_rubbish_is_counted_and_named_and_the_others_are_taken() -> None:
    bad, good = message(ADDRESS, 1, math.nan, 0.0, 1.0), message(ADDRESS, 2, 5.0, 0.0, 1.0)
    seen, port = receive(b"\xff" * 40, message("/else", 1), bundle([bad, good]))
    assert seen == (Person(2, 5.0, 0.0, 1.0),)
    assert (port.counts.malformed, port.counts.taken, port.counts.unknown) == (2, 1, 1)
    assert "nan" in port.inlet.fault


def test_a_crowd_is_cut_off() -> None:
    seen, port = receive(bundle([message(ADDRESS, k, 0.0, 0.0, 1.0) for k in range(50)]))
    assert seen is not None
    assert len(seen) == MOST_PEOPLE
    assert port.counts.unknown == 50 - MOST_PEOPLE


def test_only_allowed_senders_say_where_people_are() -> None:
    assert senders("people", 0, "127.0.0.1", ()) == LOOPBACK
    with pytest.raises(InputError, match="people over OSC"):
        senders("people", 0, "0.0.0.0", ())
