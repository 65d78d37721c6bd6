"""The image: its size, what it must not contain, the sketch, and the commands around it."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from mien.firmware.avr import image
from mien.firmware.tools.cache import BuildError, cached
from mien.robot.errors import DeviceError
from mien.robot.verbs import firmware as cli
from mien.robot.verbs.firmware import app

pytestmark = pytest.mark.avr

FLASH_MAX, RAM_MAX = 16_384, 4_096
ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")
ARDUINO_FLAGS = (
    *("-mmcu=atmega2560", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_AVR_MEGA2560"),
    *("-std=gnu11", "-Os", "-w", "-ffunction-sections", "-fdata-sections", "-flto"),
)
runner = CliRunner()


@pytest.mark.usefixtures("avr")
def test_the_image_fits_with_room_for_the_stack() -> None:
    built = image.build_image()
    assert built.flash_bytes <= FLASH_MAX
    assert built.ram_bytes <= RAM_MAX


@pytest.mark.usefixtures("avr")
def test_no_heap_no_float_no_division_of_signed_longs() -> None:
    """A signed long division takes 45 us here: 33 of them in each step were a third of the time."""
    elf = str(image.build_image().elf)
    table = subprocess.run(["avr-nm", elf], capture_output=True, text=True, check=True).stdout
    names = {row.split()[-1] for row in table.splitlines()}
    assert "main" in names
    unwanted = {"malloc", "free", "__addsf3", "__mulsf3", "__divsf3", "__fp_splitA", "__divmodsi4"}
    assert not names & unwanted


@pytest.mark.usefixtures("avr")
def test_the_sketch_is_whole_and_builds_as_the_arduino_ide_does(tmp_path: Path) -> None:
    """The IDE compiles what lies beside the .ino, with its own flags and no other path."""
    ino = image.export_sketch(tmp_path)
    assert ino.parent.name == ino.stem == "mien"
    objects: list[Path] = []
    for source in sorted(ino.parent.glob("*.c")):
        objects.append(tmp_path / f"{source.stem}.o")
        subprocess.run(["avr-gcc", *ARDUINO_FLAGS, "-c", "-o", objects[-1], source], check=True)
    elf = tmp_path / "sketch.elf"
    flags = [*ARDUINO_FLAGS, "-Wl,--gc-sections"]
    subprocess.run(["avr-gcc", *flags, "-o", elf, *objects], check=True)
    text = ino.read_text()
    assert all(line.startswith("//") for line in text.splitlines())


@pytest.mark.usefixtures("avr")
def test_size_and_build(tmp_path: Path) -> None:
    size = runner.invoke(app, ["size", "--json"])
    assert size.exit_code == 0
    built = image.build_image()
    assert json.loads(size.output) == {
        "flash_bytes": built.flash_bytes,
        "ram_bytes": built.ram_bytes,
    }
    assert "flash" in runner.invoke(app, ["size"]).output
    done = runner.invoke(app, ["build", "--out", str(tmp_path / "here")])
    assert done.exit_code == 0
    assert Path(done.output.strip()).read_text().startswith(":")
    assert (tmp_path / "here" / "mien.bin").stat().st_size == built.flash_bytes


@pytest.mark.usefixtures("avr")
def test_flash_dry_run_prints_the_command_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a dry run ran avrdude")

    image.build_image()
    monkeypatch.setattr(subprocess, "run", never)
    monkeypatch.setattr(cli, "build_image", lambda: FAKE)
    done = runner.invoke(app, ["flash", "--port", "/dev/ttyACM7", "--dry-run"])
    assert done.exit_code == 0
    words = done.output.split()
    assert words[0] == "avrdude"
    assert words[words.index("-P") + 1] == "/dev/ttyACM7"
    assert words[words.index("-p") + 1] == "atmega2560"
    assert words[-1] == "flash:w:/x/mien.hex:i"


FAKE = image.Image(Path("/x/mien.elf"), Path("/x/mien.hex"), Path("/x/mien.bin"), 1, 1)


def test_flash_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "build_image", lambda: FAKE)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    no_program = runner.invoke(app, ["flash", "--port", str(tmp_path / "port")])
    assert isinstance(no_program.exception, DeviceError)
    assert "avrdude" in no_program.exception.hint
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    no_port = runner.invoke(app, ["flash", "--port", str(tmp_path / "port")])
    assert isinstance(no_port.exception, DeviceError)
    assert str(tmp_path / "port") in no_port.exception.message


def test_flash_writes_and_reports_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = tmp_path / "port"
    port.touch()
    monkeypatch.setattr(cli, "build_image", lambda: FAKE)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    ran: list[list[str]] = []
    for code in (0, 1):

        def run(command: list[str], code: int = code, **_: object) -> object:
            ran.append(command)
            return subprocess.CompletedProcess(command, code)

        monkeypatch.setattr(subprocess, "run", run)
        done = runner.invoke(app, ["flash", "--port", str(port)])
        assert (done.exception is None) == (code == 0)
    assert all(command[0] == "avrdude" and str(port) in command for command in ran)
    assert len(ran) == 2


def test_a_missing_compiler_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BuildError, match="avr-gcc") as caught:
        image.build_image()
    assert "gcc-avr" in caught.value.hint
    done = runner.invoke(app, ["size"])
    assert isinstance(done.exception, DeviceError)


def test_builds_are_cached_by_their_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "a.c"
    source.write_text("one")
    made: list[Path] = []

    def build(folder: Path) -> None:
        made.append(folder)
        (folder / "out").write_text(source.read_text())

    first = cached("thing", [source], "flags", build)
    assert cached("thing", [source], "flags", build) == first
    source.write_text("two")
    second = cached("thing", [source], "flags", build)
    assert cached("thing", [source], "other flags", build) not in {first, second}
    assert (first / "out").read_text() == "one"
    assert (second / "out").read_text() == "two"
    assert len(made) == 3
    assert not any(folder.exists() for folder in made)


def test_two_who_need_the_same_thing_at_once_build_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made: list[Path] = []
    begun, may_end = Event(), Event()

    def build(folder: Path) -> None:
        made.append(folder)
        begun.set()
        assert may_end.wait(60)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cached, "thing", [], "", build)
        assert begun.wait(60)
        second = pool.submit(cached, "thing", [], "", build)
        assert not wait([second], 0.2).done
        may_end.set()
        assert first.result() == second.result()
    assert len(made) == 1


def test_a_failed_build_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def build(_: Path) -> None:
        raise BuildError("no")

    with pytest.raises(BuildError):
        cached("thing", [], "", build)
    assert not list((tmp_path / "cache" / "mien").iterdir())


def test_cppcheck_finds_nothing_in_the_drivers() -> None:
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed: apt install cppcheck")
    done = subprocess.run(
        [
            *("cppcheck", "--quiet", "--std=c99", "--error-exitcode=1", "--inline-suppr"),
            *("--enable=warning,style,performance,portability", f"-I{image.CORE}"),
            *(str(path) for path in sorted(image.HERE.glob("*.c"))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("avr")
def test_the_sketch_links_with_the_arduino_core(tmp_path: Path) -> None:
    """Debian's Arduino core, compiled as the IDE does: its main and interrupts must stay out."""
    if not ARDUINO.is_dir():
        pytest.skip(f"{ARDUINO} is missing: apt install arduino-core-avr")
    paths = [f"-I{ARDUINO / 'cores/arduino'}", f"-I{ARDUINO / 'variants/mega'}"]
    # Debian's gcc 5.4 does not define what its C++ headers of 1.8.7 ask for.
    flags = [*ARDUINO_FLAGS[:4], "-Os", "-w", "-ffunction-sections", "-fdata-sections", "-flto"]
    flags += [*paths, "-DDECIMAL_DIG=__DECIMAL_DIG__"]

    def compiled(source: Path, prefix: str) -> Path:
        out = tmp_path / f"{prefix}_{source.name}.o"
        language = ("-std=gnu11",) if source.suffix == ".c" else ("-x", "c++", "-std=gnu++11")
        subprocess.run(["avr-gcc", *flags, *language, "-c", "-o", out, source], check=True)
        return out

    core_sources = [
        path
        for pattern in ("*.c", "*.cpp")
        for path in sorted((ARDUINO / "cores/arduino").glob(pattern))
    ]
    archive = tmp_path / "core.a"
    core = [compiled(path, "core") for path in core_sources]
    subprocess.run(["avr-gcc-ar", "rcs", archive, *core], check=True)
    ino = image.export_sketch(tmp_path)
    sketch = [compiled(path, "sketch") for path in (ino, *sorted(ino.parent.glob("*.c")))]
    elf = tmp_path / "sketch.elf"
    link = ["-Os", "-w", "-flto", "-fuse-linker-plugin", "-Wl,--gc-sections", "-mmcu=atmega2560"]
    subprocess.run(["avr-gcc", *link, "-o", elf, *sketch, archive, "-lm"], check=True)
    table = subprocess.run(["avr-nm", elf], capture_output=True, text=True, check=True).stdout
    assert "setup" not in {row.split()[-1] for row in table.splitlines()}
    assert "T main" in table
