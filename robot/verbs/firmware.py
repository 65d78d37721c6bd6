"""``mien firmware``: build, measure and flash the ATmega2560, or export an Arduino sketch."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from mien.firmware.avr.image import FLASH_BYTES, MCU, RAM_BYTES, Image, build_image, export_sketch
from mien.firmware.tools.cache import BuildError
from mien.robot.errors import DeviceError, MienError
from mien.robot.verbs.options import AsJson

AVRDUDE_HINT = "sudo apt install avrdude"
BOOTLOADER_BAUD = 115200  # of the Arduino Mega 2560

app = typer.Typer(help="Build and flash the firmware of the board.", no_args_is_help=True)


def _image() -> Image:
    try:
        return build_image()
    except BuildError as e:
        raise DeviceError(e.message, e.hint) if e.hint else MienError(e.message) from e


@app.command()
def build(
    out: Annotated[
        Path | None, typer.Option(help="Folder to which the .elf, .hex and .bin files are copied.")
    ] = None,
) -> None:
    """Compile the firmware and print the path of its .hex file.

    Example: mien firmware build --out build
    """
    image = _image()
    path = image.hex
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for file in (image.elf, image.hex, image.bin):
            shutil.copyfile(file, out / file.name)
        path = out / image.hex.name
    typer.echo(path)


@app.command()
def size(
    as_json: AsJson = False,
) -> None:
    """Print how many bytes of flash and RAM the firmware takes.

    Example: mien firmware size
    """
    image = _image()
    if as_json:
        typer.echo(json.dumps({"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}))
        return
    for name, used, room in (
        ("flash", image.flash_bytes, FLASH_BYTES),
        ("ram", image.ram_bytes, RAM_BYTES),
    ):
        typer.echo(f"{name:<6}{used:>6} of {room} bytes, {100 * used / room:.1f} %")


@app.command()
def flash(
    port: Annotated[str, typer.Option(help="Serial port of the board, such as /dev/ttyACM0.")],
    dry_run: Annotated[bool, typer.Option(help="Print what would be done and do nothing.")] = False,
) -> None:
    """Write the firmware to an Arduino Mega 2560 with avrdude.

    Example: mien firmware flash --port /dev/ttyACM0
    """
    image = _image()
    command = [
        *("avrdude", "-p", MCU, "-c", "wiring", "-P", port, "-b", str(BOOTLOADER_BAUD), "-D"),
        *("-U", f"flash:w:{image.hex}:i"),
    ]
    if dry_run:
        typer.echo(shlex.join(command))
        return
    if shutil.which("avrdude") is None:
        raise DeviceError("avrdude is not installed", AVRDUDE_HINT)
    if not os.access(port, os.R_OK | os.W_OK):
        raise DeviceError(f"{port} is not there, or not yours to use", "mien ports")
    if subprocess.run(command, check=False).returncode != 0:
        raise DeviceError(f"avrdude did not write to {port}; it says why above", "mien ports")


@app.command()
def emulate() -> None:
    """Run the firmware on an emulated board.

    The first line on stdout is the path of its serial port. Lines on stdin inject faults
    (firmware/emulator/README.md). End of file ends the emulation.

    Example: mien firmware emulate
    """
    from mien.firmware.emulator.library import build as build_emulator

    try:
        program = build_emulator() / "mien-emulator"
    except BuildError as e:
        raise DeviceError(e.message, e.hint) from e
    done = subprocess.run([str(program), str(_image().bin)], check=False)
    if done.returncode != 0:
        raise MienError("the emulated board crashed; it says where above")


@app.command()
def sketch(
    folder: Annotated[
        Path, typer.Argument(help="Folder in which the sketch folder 'mien' is made.")
    ],
) -> None:
    """Write the firmware as a sketch for the Arduino IDE.

    Example: mien firmware sketch ~/Arduino
    """
    typer.echo(export_sketch(folder))
