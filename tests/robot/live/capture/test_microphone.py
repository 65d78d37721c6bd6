import pytest

from mien.robot.errors import DeviceError
from mien.robot.live.capture.microphone import capture_time, choose

DEVICES = [
    {"name": "HDMI", "max_input_channels": 0},
    {"name": "USB Mic: Audio", "max_input_channels": 1},
    {"name": "pulse", "max_input_channels": 32},
    {"name": "USB Camera", "max_input_channels": 2},
]


@pytest.mark.parametrize(
    ("wanted", "index"), [(None, 2), ("1", 1), ("usb mic", 1), ("PULSE", 2), ("camera", 3)]
)
def test_by_number_or_part_of_the_name(wanted: str | None, index: int) -> None:
    assert choose(DEVICES, wanted, 2) == index


@pytest.mark.parametrize(
    ("wanted", "says"),
    [("usb", "several"), ("bluetooth", "no input"), ("0", "not an input"), ("99", "not an input")],
)
def test_a_wrong_name_lists_the_right_ones(wanted: str, says: str) -> None:
    with pytest.raises(DeviceError, match=f"{says}.*1 USB Mic: Audio; 2 pulse"):
        choose(DEVICES, wanted, 2)


def test_no_microphone_at_all() -> None:
    with pytest.raises(DeviceError, match="inputs: none"):
        choose(DEVICES[:1], None, -1)


def test_an_exact_name_wins_over_a_part() -> None:
    twins = [{"name": n, "max_input_channels": 1} for n in ("mic 2", "mic")]
    assert choose(twins, "mic", 0) == 1


@pytest.mark.parametrize(
    ("current", "adc", "age"),
    [
        (100.0, 99.985, 0.015),
        (100.0, 0.0, 0.01),
        (100.0, 80.0, 0.01),
        (100.0, 101.0, 0.01),
        (100.0, 99.994, 0.01),
    ],
)
def test_converter_time_is_believed_only_when_it_makes_sense(
    current: float, adc: float, age: float
) -> None:
    assert capture_time(50.0, current, adc, 0.01) == pytest.approx(50.0 - age)
