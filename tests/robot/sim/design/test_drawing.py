"""What `mien face new` draws loads, fits together, and can be computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.robot.errors import InputError
from mien.robot.face.config import FACES, load_face
from mien.robot.sim.description import load_mechanism
from mien.robot.sim.design.check import check
from mien.robot.sim.design.drawing import design
from mien.robot.sim.design.library import grown, library
from mien.robot.sim.design.writing import write
from mien.robot.sim.fitting import misfits

EXAMPLES = sorted(FACES.glob("examples/maker*[0-9].yaml"))
VARIANTS = [(name, count) for name, part in library().parts.items() for count in part.variants]


@pytest.mark.parametrize(("part", "servos"), VARIANTS)
def test_every_variant_of_every_part_is_a_face_without_a_fault(
    part: str, servos: int, tmp_path: Path
) -> None:
    face_file, _ = write(design("own", {part: servos}, []), tmp_path)
    face = load_face(face_file)
    assert len(face.names) == servos
    assert misfits(face, load_mechanism(face.mechanism_source)) == []
    assert not [f for f in check(str(face_file), on_rig=False) if f.fault]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_what_the_command_draws_today(path: Path, tmp_path: Path) -> None:
    face, mechanism = write(design(path.stem, grown(int(path.stem[5:])), []), tmp_path)
    assert face.read_text() == path.read_text()
    assert mechanism.read_text() == path.with_name(mechanism.name).read_text()


def test_there_is_a_small_a_middle_and_a_large_example() -> None:
    assert [len(load_face(path).names) for path in EXAMPLES] == [14, 21, 6]
    assert load_face(EXAMPLES[0]).has_hysteresis.sum() == 2
    assert len(load_face(EXAMPLES[1]).boards) == 2


def test_an_existing_file_of_either_name_is_left_alone(tmp_path: Path) -> None:
    for name in ("own.yaml", "own_mechanism.yaml"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(InputError, match="not overwritten"):
            write(design("own", {"jaw": 1}, []), tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


def test_a_servo_is_as_strong_as_its_voltage(tmp_path: Path) -> None:
    weak = write(design("weak", {"jaw": 1}, [], volts=4.5), tmp_path)[1]
    strong = write(design("strong", {"jaw": 1}, [], volts=6.0), tmp_path)[1]
    torques = [load_mechanism(p).servos["micro"].stall_torque for p in (weak, strong)]
    assert torques[0] == pytest.approx(0.75 * torques[1])


def test_large_servos_and_addresses_are_written(tmp_path: Path) -> None:
    drawn = design("own", {"jaw": 1, "eyes": 2}, ["0x44", "65"], large=["jaw"])
    face = load_face(write(drawn, tmp_path)[0])
    assert [a.servo for a in face.actuators.values()] == ["large", "micro", "micro"]
    assert face.boards == [0x44, 65]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "../own"}, "no name for a face"),
        ({"name": "Own"}, "no name for a face"),
        ({"name": "nul"}, "no name for a face"),
        ({"name": "x" * 41}, "no name for a face"),
        ({"name": "hobby9"}, "ships"),
        ({"addresses": ["0x3f"]}, "an address is 0x40"),
        ({"addresses": ["0x40", "64"]}, "given once"),
        ({"addresses": ["zz"]}, "no I2C address"),
        ({"addresses": ["0x40", "0x41", "0x42", "0x43"]}, "a board has 3"),
        ({"volts": 12.0}, "4.5 to 8.4"),
        ({"volts": float("nan")}, "4.5 to 8.4"),
        ({"large": ["ears"]}, "the parts are jaw"),
        ({"amps": 0.1}, "need at least"),
        ({"chosen": grown(21), "addresses": ["0x40"]}, "need 2 servo boards"),
    ],
)
def test_what_no_face_can_have_is_refused_with_a_command(
    changed: dict[str, object], said: str, tmp_path: Path
) -> None:
    wanted: dict[str, object] = {"name": "own", "chosen": {"jaw": 1}, "addresses": []}
    with pytest.raises(InputError, match=said) as caught:
        write(design(**(wanted | changed)), tmp_path)  # type: ignore[arg-type]
    assert caught.value.hint.startswith("mien face new")
    assert not list(tmp_path.iterdir())
