"""Faults of a file in words: an unknown key names those that there are, an empty file is said."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from mien.models.reading.strict import MAX_NAMES, Strict, fault_lines


class Servo(Strict):
    mass_g: float = 9.0
    speed: float | None = None


class Robot(Strict):
    servos: dict[str, Servo] = Field(default_factory=dict)
    spare: tuple[Servo, ...] | None = None
    timeout_ms: int = 200
    from_: float = Field(default=0.0, alias="from")


class Long(Strict):
    many: Robot | None = None
    a0: int = 0
    a1: int = 0


def said(content: object, schema: type[Strict] = Robot) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        schema.model_validate(content)
    return fault_lines(refused.value)


def test_an_unknown_key_names_the_nearest_and_all_that_there_are() -> None:
    assert said({"timeout_sm": 3}) == [
        "timeout_sm: unknown key; did you mean timeout_ms? "
        "There are from, servos, spare, timeout_ms"
    ]
    assert said({"zzz": 1}) == ["zzz: unknown key; There are from, servos, spare, timeout_ms"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"servos": {"jaw": {"mas_g": 2}}}, "servos.jaw.mas_g"),
        ({"servos": {"speed": {"mas_g": 2}}}, "servos.speed.mas_g"),  # named like a field
        ({"spare": [{}, {"mas_g": 2}]}, "spare.1.mas_g"),
    ],
)
def test_it_is_looked_for_in_the_part_where_it_stands(content: object, where: str) -> None:
    (line,) = said(content)
    assert line == f"{where}: unknown key; did you mean mass_g? There are mass_g, speed"


def test_a_part_of_a_part() -> None:
    (line,) = said({"many": {"servos": {"a": {"sped": 1}}}}, Long)
    assert line.endswith("did you mean speed? There are mass_g, speed")


def test_other_faults_of_the_same_file_are_said_as_well() -> None:
    lines = said({"timeout_sm": 3, "timeout_ms": "soon"})
    assert len(lines) == 2
    assert any("timeout_ms: Input should be a valid integer" in line for line in lines)


def test_an_empty_file_and_a_list_are_called_so() -> None:
    assert said(None) == ["the file: it is empty"]
    assert said([1]) == ["the file: expected lines such as key: value"]
    assert said({"servos": 7}) == ["servos: expected lines such as key: value (is 7)"]


def test_hostile_keys_stay_short() -> None:
    (line,) = said({"\x1b[2J" * 1000: 1})
    assert line.isprintable()
    assert len(line) < 300
    assert MAX_NAMES < 50
