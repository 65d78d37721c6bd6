"""``mien doctor``: checks of this machine, each with the command that fixes it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mien.models.checkpoint import WEIGHTS, content_hash, load
from mien.models.errors import ModelError
from mien.models.face.emotion_table import table
from mien.robot.errors import ConfigError, MienError
from mien.robot.face.config import load_face, shipped
from mien.robot.link.permission import USUAL_GROUP, may_open, refusal
from mien.robot.names import printable

PACKAGES = (
    "numpy", "scipy", "torch", "mujoco", "moderngl", "mediapipe", "opencv-python-headless", "mcap",
    "aiohttp", "pyserial", "sounddevice", "soundfile", "soxr", "pyyaml", "pydantic", "safetensors",
    "imageio-ffmpeg", "cffi", "zstandard",
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One row of the table.

    Attributes:
        name: what was checked.
        ok: whether it is there.
        found: what was found.
        fix: the command that fixes it.
        needed: False for what only some uses need (a microphone, an AVR compiler).
    """

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True


def examine() -> list[Check]:
    """Every check, in the order of the table. A check that fails does not stop the others."""
    return [row for check in _CHECKS for row in check()]


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list on stdout.")] = False,
) -> None:
    """Check this machine and print the fix for everything that is missing.

    The checks are packages, graphics, sound, ports, compiler, weights, calibration and emotions.

    Example: mien doctor --json
    """
    rows = examine()
    if as_json:
        print(json.dumps([asdict(r) for r in rows]))
    else:
        _print(rows)
    if any(r.needed and not r.ok for r in rows):
        raise MienError(
            "something that Mien needs is missing", "the fix in the table, then mien doctor"
        )


def ports() -> None:
    """List serial ports and ask each for a Mien board.

    Example: mien ports
    """
    from mien.robot.link.discovery import find_ports

    found = find_ports()
    for port in found:
        print(f"{port.device}\t{port.state}\t{printable(port.description)}")
    if not found:
        print("no serial ports; the simulated rig needs none: mien demo", file=sys.stderr)


def devices() -> None:
    """List microphones, speakers and cameras.

    Example: mien devices
    """
    sounds, cameras = sound_devices(), camera_devices()
    for index, device in enumerate(sounds):
        print(f"sound\t{index}\t{printable(device)}")
    for camera in cameras:
        print(f"camera\t{camera.name.removeprefix('video')}\t{camera}")
    if not sounds:
        print("no microphone and no speaker; the voice may come from --wav or --text")
    if not cameras:
        print("no camera; the simulated robot brings its own")


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    missing = []
    for name in PACKAGES:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(PACKAGES)} packages"
    yield Check("Python packages", not missing, found, "pip install " + " ".join(missing))
    yield Check("torch build", *_torch())


def _torch() -> tuple[bool, str, str]:
    try:
        torch = import_module("torch")
    except (ImportError, OSError) as e:
        return False, str(e).splitlines()[0], "pip install torch==2.13.0"
    cuda = torch.version.cuda
    return True, f"{torch.__version__} ({'CUDA ' + cuda if cuda else 'CPU'})", ""


def _graphics() -> Iterator[Check]:
    fix = "apt-get install -y libegl1 libgl1 libgl1-mesa-dri"
    try:
        from mien.robot.sim.head import load_head
        from mien.robot.sim.render import Renderer

        with Renderer(load_head(), 64, 64) as renderer:
            bright = int(renderer.render().max())
        yield Check("OpenGL", bright > 0, "renders the head" if bright else "renders black", fix)
    except (ImportError, OSError) as e:
        yield Check("OpenGL", False, str(e).splitlines()[0], fix)
    except MienError as e:
        yield Check("OpenGL", False, e.message.splitlines()[0], e.hint or fix)


def _sound() -> Iterator[Check]:
    fix = "apt-get install -y libportaudio2"
    try:
        sounddevice = import_module("sounddevice")
    except (ImportError, OSError) as e:
        yield Check("PortAudio", False, str(e).splitlines()[0], fix, needed=False)
        return
    version = sounddevice.get_portaudio_version()[1].split(",")[0]
    yield Check("PortAudio", True, version, needed=False)
    inputs = [d["name"] for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
    fix = "plug one in, or start PulseAudio; mien devices"
    yield Check("microphone", bool(inputs), ", ".join(inputs) or "none", fix, needed=False)


def _synthesis() -> Iterator[Check]:
    found = "hibari" if find_spec("hibari") else shutil.which("flite")
    yield Check("text to speech", bool(found), found or "none", "pip install hibari-tts", False)


def hardware() -> Iterator[Check]:
    """Checks of what is plugged in: serial ports, cameras, sound."""
    from serial.tools import list_ports

    serial = [p.device for p in list_ports.comports()]
    yield _devices("serial ports", serial, "plug in a board; the simulated rig needs none")
    cameras = [str(c) for c in camera_devices()]
    yield _devices("camera", cameras, "plug one in; the simulated rig brings its own", "video")


def _devices(name: str, found: list[str], otherwise: str, group: str = USUAL_GROUP) -> Check:
    """A row for devices: none, one that this user may not open, or all of them."""
    closed = [device for device in found if not may_open(device)]
    if closed:
        said, fix = refusal(closed[0], group)
        return Check(name, False, f"{', '.join(found)}; {said}", fix, needed=False)
    return Check(name, bool(found), ", ".join(found) or "none", otherwise, needed=False)


def _firmware() -> Iterator[Check]:
    try:
        host = import_module("mien.firmware.host")
        yield Check("firmware core", True, f"protocol {host.HostCore().protocol_hash:#010x}")
    except (ImportError, OSError) as e:
        yield Check("firmware core", False, str(e).splitlines()[0], "pip install .")
    for tool, package in (("avr-gcc", "gcc-avr avr-libc"), ("avrdude", "avrdude")):
        path = shutil.which(tool)
        yield Check(
            tool,
            path is not None,
            path or "not found",
            f"apt-get install -y {package} (only to flash a board)",
            needed=False,
        )


def _weights() -> Iterator[Check]:
    fix = "git checkout -- models/weights, or pip install --force-reinstall ."
    for name in ("speech", *(f"self_model_{face}" for face in shipped())):
        path = WEIGHTS / f"{name}.safetensors"
        try:
            load(path)
            yield Check(f"weights {name}", True, content_hash(path))
        except ModelError as e:
            yield Check(f"weights {name}", False, e.message, fix)
    task = WEIGHTS / "face_landmarker.task"
    yield Check(
        "MediaPipe model", task.is_file(), content_hash(task) if task.is_file() else "missing", fix
    )


def _calibration() -> Iterator[Check]:
    for name in shipped():
        path, row = WEIGHTS / f"self_model_{name}.safetensors", f"calibration {name}"
        if not path.is_file():
            continue
        try:
            face = load_face(name)
            meta = load(path)[1]
        except (ConfigError, ModelError) as e:
            yield Check(row, False, e.message.splitlines()[0], "mien calibrate --help")
            continue
        made_for = str(meta.get("face_hash"))
        same = made_for in face.hashes
        found = f"fits {made_for}" if same else f"made for {made_for}, the face is {face.hash}"
        yield Check(row, same, found, f"mien calibrate all --face {name} --port sim")


def _emotions() -> Iterator[Check]:
    try:
        yield Check("emotions", True, ", ".join(table()))
    except ModelError as e:
        yield Check("emotions", False, " ".join(e.message.split()), e.hint)


def _lookahead() -> Iterator[Check]:
    from mien.robot.control.connect import LIVE_LEAD_S
    from mien.robot.live.lookahead import FILES

    for nominal, path in FILES.items():
        try:
            ahead = float(load(path, "speech")[1]["lookahead_ms"])
        except ModelError as e:
            missing = f"there is no {path.name}" if not path.is_file() else e.message
            fix = f"mien live --lookahead {max(FILES, key=lambda n: FILES[n].is_file())}"
            yield Check(f"look-ahead {nominal}", False, missing, fix, needed=False)
            continue
        lag = ahead + 1e3 * LIVE_LEAD_S
        found = (
            f"needs {ahead:.0f} ms of sound ahead: "
            f"lips {lag:.0f} ms behind the voice, and the skin's lag"
        )
        yield Check(f"look-ahead {nominal}", True, found, needed=False)


_CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _python, _graphics, _sound, _synthesis, hardware, _firmware, _weights, _lookahead,
    _calibration, _emotions,
)  # fmt: skip


def sound_devices() -> list[str]:
    """Names and channels of the sound devices. A MienError says that PortAudio is missing."""
    try:
        sounddevice = import_module("sounddevice")
    except OSError as e:
        raise MienError(f"no PortAudio: {e}", "apt-get install -y libportaudio2") from e
    return [
        f"{d['name']} ({d['max_input_channels']} in, {d['max_output_channels']} out)"
        for d in sounddevice.query_devices()
    ]


def camera_devices() -> list[Path]:
    """Device files of the cameras."""
    return sorted(Path("/dev").glob("video*"))


def _print(rows: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found", "fix"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        mark, color = ("ok", "green") if row.ok else ("MISSING", "red")
        if not row.ok and not row.needed:
            mark, color = "none", "yellow"
        # Names of devices come from outside: as Text they are never taken for markup.
        cells = (row.name, row.found, "" if row.ok else row.fix)
        table.add_row(Text(mark, style=color), *map(Text, cells))
    Console().print(table)
