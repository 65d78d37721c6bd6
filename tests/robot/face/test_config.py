import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from mien.robot.errors import ConfigError
from mien.robot.face.config import load_face, shipped

SMALL = {
    "face": "tiny",
    "mechanism": "tiny",
    "boards": [0x40],
    "actuators": {
        "jaw": {"kind": "rigid", "region": "jaw", "servo": "large", "board": 0, "channel": 0,
                "pulse_us": [1000, 1400, 2000], "speed": 5.0},
        "cheek": {"kind": "tendon", "region": "cheeks", "servo": "micro", "board": 0, "channel": 1,
                  "pulse_us": [1000, 1500, 2000], "speed": 5.0, "limits": [0, 1], "slack_us": 40},
    },
}  # fmt: skip


def write(tmp_path: Path, tree: object) -> Path:
    path = tmp_path / "face.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def changed(**fields: object) -> dict[str, object]:
    tree: dict[str, object] = yaml.safe_load(yaml.safe_dump(SMALL, sort_keys=False))
    jaw = tree["actuators"]["jaw"]  # type: ignore[index]
    for key, value in fields.items():
        (jaw if key in jaw or key in {"limits", "safe", "slack_us", "play_us", "colour"} else tree)[
            key
        ] = value
    return tree


def test_morpheus33_has_the_counts_of_the_published_parts_list() -> None:
    face = load_face("morpheus33")
    servos = [a.servo for a in face.actuators.values()]
    regions = [a.region for a in face.actuators.values()]
    tendons = {n for n, a in face.actuators.items() if a.kind.can_go_slack}
    assert (servos.count("micro"), servos.count("large")) == (29, 4)
    assert {r: regions.count(r) for r in set(regions)} == {
        "eyes": 6, "brows": 8, "mouth": 11, "nose": 2, "cheeks": 2, "jaw": 1, "neck": 3,
    }  # fmt: skip
    assert tendons == {"nose_left", "nose_right", "cheek_left", "cheek_right"}


def test_every_shipped_face_loads_and_its_arrays_agree_with_its_names() -> None:
    assert {"morpheus33", "hobby9"} <= set(shipped())
    for name in shipped():
        face = load_face(name)
        n = len(face.names)
        assert face.pulses.shape == (n, 3)
        assert face.limits.shape == (n, 2)
        assert np.all(np.diff(face.pulses) > 0)
        assert face.index(face.names[-1]) == n - 1


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"description": "words"}, True),
        ({"baud": 250000, "timeout_ms": 500, "pwm_hz": 60}, True),
        ({"speed": 5.1}, True),
        ({"safe": 0.5}, True),
        ({"play_us": 9.0}, True),
        ({"interlocks": [{"name": "lock", "terms": {"jaw": 1.0}, "max": 0.9}]}, True),
        ({"supplies": [{"name": "main", "volts": 6, "amps": 20, "boards": [0]}]}, True),
        ({"face": "other"}, False),
        ({"kind": "tendon", "limits": [0, 1]}, False),
        ({"pulse_us": [1000, 1401, 2000]}, False),
        ({"limits": [-0.5, 1.0]}, False),
    ],
)
def test_the_hash_follows_what_a_self_model_depends_on_and_nothing_else(
    tmp_path: Path, fields: dict[str, object], same: bool
) -> None:
    plain = load_face(write(tmp_path, SMALL)).hash
    assert (load_face(write(tmp_path, changed(**fields))).hash == plain) is same


def test_what_was_made_for_the_shipped_faces_of_the_first_version_still_fits() -> None:
    old = {"hobby9": "828e5866d27bb518", "morpheus33": "2157d763aaa72ae5"}
    for name, made_for in old.items():
        assert made_for in load_face(name).hashes


def test_a_role_may_be_that_of_an_actuator_of_any_name(tmp_path: Path) -> None:
    tree = changed()
    tree["actuators"]["pan"] = {  # type: ignore[index]
        "kind": "rigid", "region": "neck", "servo": "large", "board": 0, "channel": 5,
        "pulse_us": [1000, 1500, 2000], "speed": 3.0, "role": "neck_yaw",
    }  # fmt: skip
    face = load_face(write(tmp_path, tree))
    assert face.roles == {"neck_yaw": "pan"}
    assert face.vacant == ("neck_pitch", "neck_roll", "tongue_out")
    assert load_face("morpheus33").vacant == ()
    tree["actuators"]["jaw"]["role"] = "neck_yaw"  # type: ignore[index]
    with pytest.raises(ConfigError, match=r"neck_yaw is already that of jaw"):
        load_face(write(tmp_path, tree))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"colour": "red"}, r"actuators\.jaw\.colour: .*unknown key"),
        ({"nonsense": 1}, r"nonsense: .*unknown key"),
        (
            {"channel": 1},
            r"actuators\.cheek\.channel: servo board 0 channel 1 is already used by jaw",
        ),
        ({"channel": 16}, r"actuators\.jaw\.channel: .*16"),
        ({"board": 2}, r"actuators\.jaw\.board: is 2, but 1 servo boards"),
        ({"pulse_us": [2000, 1500, 1000]}, r"actuators\.jaw\.pulse_us: must rise"),
        ({"pulse_us": [100, 1500, 1900]}, r"actuators\.jaw\.pulse_us\.0: .*400"),
        ({"kind": "rubber"}, r"actuators\.jaw\.kind: .*'rubber'"),
        ({"limits": [0.5, -0.5]}, r"actuators\.jaw\.limits: must rise"),
        ({"limits": [-0.2, 0.5], "safe": 0.8}, r"actuators\.jaw\.safe: must lie within"),
        ({"slack_us": 30}, r"actuators\.jaw\.slack_us: belongs to tendons"),
        ({"play_us": -1.0}, r"actuators\.jaw\.play_us: .*0"),
        ({"play_us": 51.0}, r"actuators\.jaw\.play_us: .*50"),
        (
            {"kind": "tendon", "limits": [0, 1], "play_us": 5.0},
            r"actuators\.jaw\.play_us: belongs to rigid",
        ),
        ({"speed": float("nan")}, r"actuators\.jaw\.speed"),
        ({"boards": [0x40, 0x40]}, r"boards\.1: address 0x40 is listed twice"),
        (
            {"interlocks": [{"name": "a", "terms": {"nobody": 1.0}, "max": 1.0}]},
            r"interlocks\.0\.terms\.nobody: no such actuator",
        ),
    ],
)
def test_a_fault_is_named_by_its_key(tmp_path: Path, fields: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_face(write(tmp_path, changed(**fields)))
    assert re.search(said, caught.value.message), caught.value.message
    assert caught.value.exit_code == 2


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    tree = changed(kind="rubber", channel=1, pulse_us=[2000, 1500, 1000], colour="red", nonsense=1)
    with pytest.raises(ConfigError) as caught:
        load_face(write(tmp_path, tree))
    for key in ("jaw.kind", "cheek.channel", "jaw.pulse_us", "jaw.colour", "nonsense"):
        assert key in caught.value.message


@pytest.mark.parametrize(
    "text", ["", "just words", "[1, 2", "a: 1\na: 2", "!!python/object:os.system {}"]
)
def test_what_is_no_face_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "face.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_face(path)


def test_a_missing_face_names_those_that_ship() -> None:
    with pytest.raises(ConfigError, match="hobby9, morpheus33"):
        load_face("nobody")


def test_an_unknown_actuator_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="jaw, cheek"):
        load_face(write(tmp_path, SMALL)).index("ear")


@pytest.mark.parametrize("name", ["own.yaml", "./own.yml", "parts/own.yaml"])
def test_a_mechanism_beside_the_face_is_found_from_anywhere(name: str, tmp_path: Path) -> None:
    face = load_face(write(tmp_path, changed(mechanism=name)))
    assert face.mechanism_source == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["../own.yaml", "/etc/own.yaml", "~/own.yaml", "a\\own.yaml", "a//own.yaml", ".yaml", "a/own",
     "own.yaml\n", "own.txt/x", "\x1b.yaml", "nul.yaml", "x" * 201 + ".yaml", "", 7, ["own.yaml"]],
)  # fmt: skip
def test_a_mechanism_elsewhere_is_refused(name: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mechanism: "):
        load_face(write(tmp_path, changed(mechanism=name)))


def test_a_face_without_a_mechanism_says_so_when_it_is_simulated(tmp_path: Path) -> None:
    tree = changed()
    del tree["mechanism"]
    face = load_face(write(tmp_path, tree))
    with pytest.raises(ConfigError, match=r"names no mechanism.*--port auto"):
        _ = face.mechanism_source


def test_a_neck_without_a_role_is_known_to_be_idle(tmp_path: Path) -> None:
    tree = changed()
    actuators: dict[str, dict[str, object]] = tree["actuators"]  # type: ignore[assignment]
    for channel, (name, role) in enumerate(
        [("neck", None), ("turner", "neck_yaw"), ("neck_pitch", None)], start=2
    ):
        actuators[name] = actuators["jaw"] | {"region": "neck", "channel": channel, "role": role}
    assert load_face(write(tmp_path, tree)).idle == ("neck",)
