"""One pattern for every name, wherever it comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mien.robot.errors import MienError
from mien.robot.face.config import FaceConfig, load_face, shipped
from mien.robot.names import LONGEST, is_name, plain, printable, quoted
from mien.robot.recording.session import path_of
from mien.robot.runs import new_run
from mien.robot.sim.description import MECHANISMS, load_mechanism
from mien.robot.sim.faults import parse_fault
from tests.robot.face.test_config import changed, write

HOSTILE = (
    "", " ", ".", "..", "../../../escaped", "a/../b", "/etc/passwd", "a/b", "a\\b", ".hidden", "-x",
    "trailing.", "two..dots", "a b", "a\0b", "a\nb", "x\n", "\x1b[2J", "jaw\u202enepo", "k\u00e4se",
    "\u212a", "\uff41", "con", "NUL", "com1.txt", "lpt9", "<img>", "a|b", "$(id)",
    "x" * (LONGEST + 1), "~root", "%2e%2e", "C:x", "*",
)  # fmt: skip


def as_actuator(name: str, folder: Path) -> None:
    tree = changed()
    tree["actuators"][name] = tree["actuators"].pop("cheek")  # type: ignore[attr-defined,index]
    load_face(write(folder, tree))


def as_interlock(name: str, folder: Path) -> None:
    load_face(write(folder, changed(interlocks=[{"name": name, "terms": {"jaw": 1}, "max": 1}])))


def as_face(name: str, folder: Path) -> None:
    load_face(write(folder, changed(face=name)))


def as_mechanism(name: str, folder: Path) -> None:
    load_face(write(folder, changed(mechanism=name)))


def as_recorded_face(name: str, folder: Path) -> None:
    from mien.robot.recording import reading
    from mien.robot.recording.recorder import Recorder

    known = json.loads(load_face("hobby9").model_dump_json())
    known["actuators"] = {name: next(iter(known["actuators"].values()))}
    known["interlocks"] = []

    class Forged(FaceConfig):
        def model_dump_json(self, **_: object) -> str:
            return json.dumps(known)

    path = folder / "forged.mcap"
    Recorder(path, Forged(**load_face("hobby9").model_dump())).close()
    reading.origin(path)


ENTRANCES: dict[str, Callable[[str, Path], object]] = {
    "actuator of a face": as_actuator,
    "interlock of a face": as_interlock,
    "face": as_face,
    "mechanism of a face": as_mechanism,
    "face of a recording": as_recorded_face,
    "--face": lambda name, _: load_face(name),
    "mechanism by name": lambda name, _: load_mechanism(name),
    "run": lambda name, _: new_run("speak", name),
    "verb of a run": lambda name, _: new_run(name, "speech"),
    "recording": lambda name, folder: path_of(name, folder),
    "actuator by name": lambda name, _: load_face("hobby9").index(name),
    "actuator of a fault": lambda name, _: parse_fault(f"stuck:{name}", load_face("hobby9")),
}
TRIMMED = {("recording", "x\n")}
"""A browser's field may end in white space, which is no part of what it names."""


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_hostile_name_is_refused_at_every_entrance_and_writes_nothing(
    entrance: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "deep" / "deeper"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    for name in HOSTILE:
        if (entrance, name) in TRIMMED:
            continue
        with pytest.raises(MienError) as caught:
            ENTRANCES[entrance](name, inside)
        assert caught.value.exit_code == 2, name
        assert caught.value.message.replace("\n", "").isprintable(), name
        assert len(caught.value.message) < 2000, name
    written = {p for p in tmp_path.rglob("*") if p.is_file()}
    assert written <= {inside / "face.yaml", inside / "forged.mcap"}
    assert not (inside / "runs").exists()


def test_every_name_that_ships_is_one() -> None:
    from mien.models.face.emotion import EMOTIONS

    assert all(map(is_name, (*shipped(), *EMOTIONS, *(p.stem for p in MECHANISMS.glob("*.yaml")))))
    for face in map(load_face, shipped()):
        assert all(map(is_name, (*face.names, *(lock.name for lock in face.interlocks))))
    assert all(map(is_name, ("take-1", "take.1", "Scene_2.b", "2026", "x" * LONGEST, "console")))


def test_shipped_faces_keep_the_hash_that_self_models_are_tied_to() -> None:
    tied = {"hobby9": "828e5866d27bb518", "morpheus33": "2157d763aaa72ae5"}
    assert all(made_for in load_face(name).hashes for name, made_for in tied.items())


def test_what_a_person_called_a_sound_becomes_a_name() -> None:
    assert all(is_name(plain(name)) for name in HOSTILE)


def test_a_sound_keeps_as_much_of_its_name_as_it_can() -> None:
    assert plain("Take 3 (final).v2") == "Take-3-final-v2"
    assert plain("con") == "unnamed"


def test_a_terminal_shows_a_name_and_does_not_obey_it() -> None:
    assert quoted("\x1b[2J") == r"'\x1b[2J'"
    assert printable("a\x1b]0;b\x07") == r"a\x1b]0;b\x07"
    assert len(quoted("x" * 10**6)) < 100


def test_a_yaml_file_with_a_hostile_key_is_listed_and_not_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "face.yaml"
    path.write_text(yaml.safe_dump(changed(**{"\x1b[2Jevil": 1})))
    with pytest.raises(MienError) as caught:
        load_face(path)
    assert r"\x1b[2Jevil" in caught.value.message
