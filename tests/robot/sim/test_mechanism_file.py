"""Mechanism files: every fault is listed, `*` is two sides, names must resolve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mien.robot.errors import ConfigError
from mien.robot.face.config import FaceConfig, load_face, shipped
from mien.robot.sim.description import MECHANISMS, load_mechanism
from mien.robot.sim.references import mirror_all
from mien.robot.sim.rig import Rig


def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load((MECHANISMS / "hobby9.yaml").read_text())
    return tree


def _load(tree: dict[str, Any], folder: Path) -> str:
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError) as caught:
        load_mechanism(path)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_face_has_a_mechanism_that_drives_it(name: str) -> None:
    face = load_face(name)
    plan = load_mechanism(face.mechanism_source)
    driven = {k.actuator for k in plan.linkages.values()}
    driven |= {k.actuator for k in plan.tendons.values()}
    assert driven == set(face.names)


def test_tendons_of_the_face_are_those_of_the_mechanism() -> None:
    face = load_face("morpheus33")
    plan = load_mechanism(face.mechanism_source)
    tendons = {n for n, a in face.actuators.items() if a.kind.can_go_slack}
    assert {s.actuator for s in plan.tendons.values()} == tendons


def test_a_file_that_calls_its_tendons_strings_still_loads(tmp_path: Path) -> None:
    new = MECHANISMS / "morpheus33.yaml"
    old = tmp_path / "old.yaml"
    old.write_text(new.read_text().replace("\ntendons:\n", "\nstrings:\n"))
    assert load_mechanism(old) == load_mechanism(new)


def test_star_is_a_left_and_a_mirrored_right() -> None:
    tree = {"nodes": {"cheek_*": {"landmark": [425, 205], "pull": [0.5, 1.0, -0.2]}, "chin": {}}}
    assert mirror_all(tree) == {
        "nodes": {
            "cheek_left": {"landmark": 425, "pull": [0.5, 1.0, -0.2]},
            "cheek_right": {"landmark": 205, "pull": [-0.5, 1.0, -0.2]},
            "chin": {},
        }
    }


def test_hinge_axes_are_not_mirrored() -> None:
    plan = load_mechanism("morpheus33")
    left, right = (plan.bodies[f"eye_{s}"].joints[f"gaze_yaw_{s}"] for s in ("left", "right"))
    assert left.axis == right.axis == (0.0, 1.0, 0.0)


def test_all_schema_faults_at_once(tmp_path: Path) -> None:
    tree = _tree()
    tree["skin"]["mass"] = -1.0
    tree["servos"]["micro"]["colour"] = "blue"
    tree["nodes"]["chin"]["landmark"] = 478
    said = _load(tree, tmp_path)
    assert "skin.mass" in said
    assert "servos.micro.colour" in said
    assert "nodes.chin.landmark" in said


def test_all_unknown_names_at_once(tmp_path: Path) -> None:
    tree = _tree()
    tree["linkages"]["brow_*"]["node"] = "eyebrow_*"
    tree["stops"]["lids_*"]["terms"] = {"lid_of_the_pot": 1.0}
    tree["nodes"]["chin"]["parent"] = "mandible"
    tree["linkages"]["gaze_x_right"]["horn"] = {"rod": 10.0, "radius": 5.0}
    said = _load(tree, tmp_path)
    for word in ("eyebrow_left", "eyebrow_right", "lid_of_the_pot", "mandible", "2 horns"):
        assert word in said


@pytest.mark.parametrize(
    "change",
    [{"joint": "jaw_hinge"}, {"pull": None}, {"node": None}, {"lever": [0.0, 0.0, 9.0]}],
)
def test_a_linkage_has_one_target(change: dict[str, Any], tmp_path: Path) -> None:
    tree = _tree()
    tree["linkages"]["brow_*"].update(change)
    assert "linkages.brow_left" in _load(tree, tmp_path)


def test_no_such_mechanism_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="hobby9, morpheus33"):
        load_mechanism("nobody")


def test_an_actuator_of_another_kind_than_the_mechanism_has_is_refused() -> None:
    tree = load_face("morpheus33").model_dump()
    tree["actuators"]["cheek_left"] |= {"kind": "rigid", "slack_us": 0.0, "floor_us": 0.0}
    with pytest.raises(ConfigError, match=r"cheek_left is of the kind rigid.*linkages do not"):
        Rig(FaceConfig.model_validate(tree))
