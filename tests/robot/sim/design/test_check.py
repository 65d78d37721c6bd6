"""`mien face check` says every fault in its line, and nothing about what is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mien.robot.errors import ConfigError
from mien.robot.face.config import FACES
from mien.robot.sim.design.check import Finding, check

FACE = "own.yaml"
MECHANISM = "own_mechanism.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small example as a face of one's own."""
    for name in ("", "_mechanism"):
        text = (FACES / f"examples/maker6{name}.yaml").read_text()
        (tmp_path / f"own{name}.yaml").write_text(text.replace("maker6", "own"))
    return tmp_path


def edit(folder: Path, file: str, old: str, new: str) -> int:
    """Replace a text; the line, from 1, in which it is."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def faults(folder: Path, on_rig: bool = False) -> list[Finding]:
    return [f for f in check(str(folder / FACE), on_rig) if f.fault]


FAULTS: dict[str, tuple[str, str, str, str]] = {
    "a pulse that does not rise": (FACE, "[1150, 1500, 1850]", "[1150, 1900, 1850]", "must rise"),
    "a channel twice": (FACE, "channel: 3", "channel: 2", "already used by gaze_x"),
    "a supply that is too weak": (FACE, "amps: 3.0", "amps: 1.0", "6 servos take"),
    "an unknown key": (FACE, "speed: 9.0, safe", "spede: 9.0, safe", "spede"),
    "a pulse beyond the servo's stop": (
        FACE, "[1150, 1500, 1850]", "[500, 1500, 2400]", "cannot be reached: the servo micro stops",
    ),
    "no such mechanism": (FACE, "own_mechanism.yaml", "elsewhere.yaml", "cannot read|no mechanism"),
    "a mechanism outside": (FACE, "own_mechanism.yaml", "../own.yaml", "the path of a YAML file"),
    "a neck without a role": (
        FACE, "  gaze_x: {kind: rigid, region: eyes", "  gaze_x: {kind: rigid, region: neck",
        "nothing would ever move it.*neck_yaw or neck_pitch",
    ),
    "a role in the wrong region": (
        FACE, "lids: {kind: rigid", "lids: {role: neck_yaw, kind: rigid", "needs neck",
    ),
    "an actuator that nothing drives": (FACE, "  lids: {", "  eyelids: {", "has no drive"),
    "a tendon driven by rods": (
        FACE, "lids: {kind: rigid", "lids: {limits: [0, 1], kind: tendon", "linkages do",
    ),
    "a mass below 0": (MECHANISM, "mass: 45", "mass: -45", "jaw.mass"),
    "a joint that there is not": (MECHANISM, "joint: jaw_hinge", "joint: jaw_bolt", "jaw_bolt"),
    "a rod to somebody unknown": (
        MECHANISM, "actuator: jaw_open", "actuator: jaw_shut", "drives jaw_shut",
    ),
    "a landmark that there is not": (MECHANISM, "landmark: 199", "landmark: 999", "chin.landmark"),
    "not YAML": (MECHANISM, "name: own", "name: [own", "not valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_said_and_its_line_too(folder: Path, fault: str) -> None:
    file, old, new, said = FAULTS[fault]
    line = edit(folder, file, old, new)
    found = faults(folder)
    hits = [f for f in found if re.search(said, f.text)]
    assert hits, [str(f) for f in found]
    if fault not in {"not YAML", "no such mechanism"}:
        assert (Path(hits[0].path).name, hits[0].line) == (file, line), str(hits[0])


def test_several_faults_are_said_at_once(folder: Path) -> None:
    edit(folder, FACE, "channel: 3", "channel: 2")
    edit(folder, FACE, "amps: 3.0", "amps: 1.0")
    edit(folder, FACE, "[1150, 1500, 1850]", "[1150, 1900, 1850]")
    assert len(faults(folder)) == 3


def test_what_is_missing_is_a_note_and_no_fault(folder: Path) -> None:
    notes = [f.text for f in check(str(folder / FACE), on_rig=False)]
    for said in ("role neck_yaw", "region nose", "supplies.0.amps: 3 A carry 6", "lid_lower_left"):
        assert any(said in note for note in notes), said
    assert not faults(folder)


def test_hardware_needs_no_mechanism(folder: Path) -> None:
    edit(folder, FACE, "mechanism: own_mechanism.yaml\n", "")
    assert not faults(folder)


@pytest.mark.parametrize("name", ["hobby9", "morpheus33"])
def test_the_faces_that_ship_have_no_fault(name: str) -> None:
    """The tongue of morpheus33 runs into its teeth, which is no fault."""
    assert not [str(f) for f in check(name) if f.fault]


WEAK = (MECHANISM, "stall_torque: 0.2,", "stall_torque: 0.05,", "servo is weaker than its load")
STIFF = (MECHANISM, "anchor_stiffness: 1200", "anchor_stiffness: 60000", "too stiff for the mass")
STRONG = (MECHANISM, "stall_torque: 0.2,", "stall_torque: 50,", "too strong for the mass")
ZERO = (MECHANISM, "axis: [1, 0, 0]", "axis: [0, 0, 0]", "cannot be built")


SHORT = (
    MECHANISM,
    "range: [-3, 20]",
    "range: [-3, 6]",
    "cannot be reached: the range of the joint",
)


@pytest.mark.parametrize("change", [SHORT, WEAK, STIFF, STRONG, ZERO])
def test_the_rig_finds_what_cannot_work(folder: Path, change: tuple[str, str, str, str]) -> None:
    *place, said = change
    edit(folder, *place)
    found = faults(folder, on_rig=True)
    assert any(said in f.text for f in found), [str(f) for f in found]


def test_the_rig_has_no_fault_with_the_example(folder: Path) -> None:
    assert not faults(folder, on_rig=True)


@pytest.mark.parametrize("name", ["nobody.yaml", "nobody", "../x"])
def test_a_face_that_there_is_not_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        check(str(tmp_path / name) if name.endswith("yaml") else name)


def test_a_hostile_text_stays_on_one_line(folder: Path) -> None:
    edit(folder, FACE, "face: own", 'face: "\\e[2J\\nown"')
    found = check(str(folder / FACE), on_rig=False)
    assert found and all(str(f).isprintable() for f in found)
