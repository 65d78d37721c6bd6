"""Everything that is wrong or missing in a face and its mechanism, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mien.models.errors import MienError
from mien.models.reading.yaml_file import key_lines, line_of
from mien.robot.face.config import FaceConfig, face_path, read_face
from mien.robot.names import printable
from mien.robot.sim.description import Mechanism, mechanism_path, read_mechanism
from mien.robot.sim.design.face_checks import face_faults, face_notes
from mien.robot.sim.fitting import misfits

_OF_THE_FACE: Final = ("actuators", "roles", "supplies", "boards", "interlocks", "currents")
_ROOT: Final = ("the file: ", "Value error, ")


@dataclass(frozen=True)
class Finding:
    """One thing about a face.

    Attributes:
        path: file that it is in. line: in the file, from 1; 0 where it has none.
        text: what it is. fault: whether it must be mended; else it is worth knowing.
    """

    path: str
    line: int
    text: str
    fault: bool

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return printable(f"{where}: {self.text}" if self.fault else f"{where}: note: {self.text}")


@dataclass
class _File:
    """A file and its findings."""

    path: Path
    lines: dict[str, int] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)

    def read_lines(self) -> None:
        self.lines = _both_sides(key_lines(self.path))

    def add(self, texts: Iterable[str], fault: bool = True) -> None:
        for text in texts:
            for prefix in _ROOT:
                text = text.removeprefix(prefix)
            line = line_of(self.lines, text.split(": ")[0])
            self.found.append(Finding(str(self.path), line, text, fault))


def check(name_or_path: str, on_rig: bool = True) -> list[Finding]:
    """All findings about a face; faults first, in the order of the files.

    Args:
        name_or_path: of the face.
        on_rig: whether the simulated robot is built and its servos are loaded.

    Raises:
        ConfigError: no such file, or neither a file nor a name.
    """
    own = _File(face_path(name_or_path))
    if not own.path.is_file():
        read_face(own.path, name_or_path)  # which says why
    files = [own]
    try:
        own.read_lines()
        face, faults = read_face(own.path, name_or_path)
    except MienError as e:
        own.add([e.message.removeprefix(f"{own.path} cannot be used: ")])
        return own.found
    own.add(faults)
    if face is not None:
        own.add(face_faults(face))
        own.add(face_notes(face), fault=False)
        if face.mechanism is None:
            own.add(
                ["no mechanism is named: a real robot needs none, the simulated one does"], False
            )
        else:
            files.append(_mechanism(face, own, on_rig))
    found = [finding for file in files for finding in file.found]
    return sorted(found, key=lambda finding: not finding.fault)


def _mechanism(face: FaceConfig, own: _File, on_rig: bool) -> _File:
    file = _File(mechanism_path(face.mechanism_source))
    try:
        file.read_lines()
        plan, faults = read_mechanism(file.path)
    except OSError as e:
        own.add([f"mechanism: cannot read {file.path}: {e.strerror}"])
        return file
    except MienError as e:
        file.add([e.message.removeprefix(f"{file.path} cannot be used: ")])
        return file
    file.add(faults)
    if plan is None:
        return file
    for text in [*misfits(face, plan), *_travels(face, plan)]:
        (own if text.startswith(_OF_THE_FACE) else file).add([text])
    file.add(_resting(plan), fault=False)
    if on_rig and not any(f.fault for f in (*own.found, *file.found)):
        _on_rig(face, plan, own, file)
    return file


def _travels(face: FaceConfig, plan: Mechanism) -> Iterator[str]:
    """Pulses behind the stop of a servo."""
    for name, actuator in face.actuators.items():
        kind = plan.servos.get(actuator.servo)
        if kind is None:
            continue
        low, neutral, high = actuator.pulse_us
        far = max(neutral - low, high - neutral)
        if far * kind.degrees_per_us > kind.travel:
            most = kind.travel / kind.degrees_per_us
            yield (
                f"actuators.{name}.pulse_us: {low:g} to {high:g} us cannot be reached: the servo "
                f"{actuator.servo} stops {kind.travel:g} degrees from {neutral:g} us, at "
                f"{neutral - most:g} and {neutral + most:g} us"
            )


def _resting(plan: Mechanism) -> Iterator[str]:
    """Parts that no actuator moves."""
    driven = {linkage.joint for linkage in plan.linkages.values()}
    for name, body in plan.bodies.items():
        if body.joints and not driven & set(body.joints):
            yield f"bodies.{name}: no actuator moves it; it rests on its springs"


def _on_rig(face: FaceConfig, plan: Mechanism, own: _File, file: _File) -> None:
    try:
        from mien.robot.sim.builds import Build
        from mien.robot.sim.design.loads import loads
        from mien.robot.sim.divergence import causes
        from mien.robot.sim.head import load_head
        from mien.robot.sim.mechanism import assemble
        from mien.robot.sim.rig import Rig
    except ModuleNotFoundError as e:
        own.add([f"the simulated robot was not tried: {e.name} is not installed"], fault=False)
        return
    try:
        machine = assemble(face, plan, load_head(), Build())
        if out_of_proportion := causes(face, machine):
            file.add(f"{c.key}: {c.text}: {c.remedy}" for c in out_of_proportion)
            return
        measured = loads(face, Rig(face))
    except MienError as e:
        file.add([e.message])
        return
    for load in measured:
        key = f"actuators.{load.actuator}.servo"
        own.add([f"{key}: {load.fault}"] if load.fault else [])
        own.add([f"{key}: {load.note}"] if load.note else [], fault=False)


def _both_sides(lines: dict[str, int]) -> dict[str, int]:
    """The lines, with keys that hold ``*`` also under the names of both sides."""
    out = dict(lines)
    for key, line in lines.items():
        if "*" in key:
            out |= {key.replace("*", side): line for side in ("left", "right")}
    return out
