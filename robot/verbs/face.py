"""``mien face``: a face of one's own, drawn from parts, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from shlex import join, quote, split
from typing import Annotated

import typer

from mien.robot.errors import ConfigError, InputError

HELP = "\n\n".join(
    (
        "Describe a face of your own, and check it.",
        "Example: mien face new myface --servos 14",
        "`new` asks which parts your face has, or takes options, and writes two files where you "
        "are: NAME.yaml describes servos and wiring, NAME_mechanism.yaml what the simulated robot "
        "is built of. Edit them to what you have built; `check` lists what is wrong or missing.",
        "Then `mien calibrate all --face NAME.yaml --ship` teaches the face itself on the "
        "simulated robot, or with `--port auto --camera 0` on your own, and `mien demo --face "
        "NAME.yaml` lets it speak.",
    )
)
app = typer.Typer(help=HELP, no_args_is_help=True)


@app.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the face, such as myface.")],
    servos: Annotated[
        int | None,
        typer.Option(help="Number of servos. The parts are chosen so that it speaks best."),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(help="A part and its servos, such as jaw or brows:2. May be repeated."),
    ] = None,
    tendons: Annotated[
        str, typer.Option(help="With --servos: parts with tendons, such as cheeks,nose or none.")
    ] = "",
    servo_board: Annotated[
        list[str] | None,
        typer.Option(help="I2C address of a PCA9685 servo board, such as 0x40. May be repeated."),
    ] = None,
    volts: Annotated[float, typer.Option(help="Voltage of the servos' supply.")] = 6.0,
    amps: Annotated[
        float, typer.Option(min=0, help="Current of the supply, A. 0 names one that is enough.")
    ] = 0.0,
    large: Annotated[
        list[str] | None,
        typer.Option(help="A part with large servos (60 g), such as jaw. May be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the two files.")] = Path(),
) -> None:
    """Draw a face from parts and write its two files. Nothing is overwritten.

    Without --servos and --part the command asks. Servos are wired to PCA9685 servo boards, and
    these to an Arduino Mega 2560.

    Example: mien face new myface --part jaw --part lids:2 --part corners:2
    """
    from mien.robot.sim.design import library
    from mien.robot.sim.design.drawing import design
    from mien.robot.sim.design.questions import asked
    from mien.robot.sim.design.writing import refuse_existing, write

    try:
        if part and (tendons or servos is not None):
            raise InputError(
                "--part goes without --servos and --tendons; tendons are parts, such as cheeks:2",
                f"mien face new NAME --part {quote(part[0])}",
            )
        plan = design(name, {"jaw": 1}, servo_board or [], volts, amps, large or [])
        refuse_existing(plan, out)  # before any question
        if servos is not None:
            chosen = library.grown(servos, tendons)
        elif part:
            chosen = library.part_counts(part)
        else:
            chosen = asked(_answer, tendons, "mien face new NAME --servos 6")
        if without := [name for name in plan.large if name not in chosen]:
            raise InputError(
                f"--large is {quote(without[0])}, the face has {', '.join(chosen)}",
                f"mien face new NAME --part {without[0]}",
            )
        face, mechanism = write(replace(plan, chosen=chosen), out)
    except InputError as e:
        raise InputError(e.message, _whole(e.hint, context)) from e
    counts = ", ".join(f"{part}:{count}" for part, count in chosen.items())
    print(f"{face}\n{mechanism}")
    print(f"{sum(chosen.values())} servos: {counts}")
    print(f"next: mien face check {quote(str(face))}", file=sys.stderr)


@app.command()
def check(
    face: Annotated[str, typer.Argument(help="Path of the face's YAML file, or a name.")],
    rig: Annotated[
        bool,
        typer.Option(help="Also build the simulated robot and load its servos, a few seconds."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """List everything that is wrong or missing in a face, a line each. Exits 2 with a fault.

    Example: mien face check myface.yaml
    """
    from mien.robot.face.calibrated import calibrate_command
    from mien.robot.face.config import load_face
    from mien.robot.sim.design.check import check as findings_of

    found = findings_of(face, rig)
    faults = sum(finding.fault for finding in found)
    if as_json:
        print(json.dumps([asdict(finding) for finding in found]))
    else:
        for finding in found:
            print(finding)
    if faults:
        one = "is one fault" if faults == 1 else f"are {faults} faults"
        raise ConfigError(
            f"there {one} in {face}; notes need no mending", f"mien face check {quote(face)}"
        )
    config = load_face(face)
    if not as_json:
        print(f"{face}: {len(config.names)} servos, no fault")
    print(f"next: {calibrate_command(config)}", file=sys.stderr)


def _whole(hint: str, context: typer.Context) -> str:
    """The command that an error proposes, with the user's other options."""
    if " new " not in hint or "--help" in hint:
        return hint
    name, *words = split(hint)[3:]
    named = {word.partition(":")[0] for word in words} | {"name"}
    if "--part" in named:
        named ^= {"--part", "--servos", "--tendons"}
    elif "--servos" in named:
        named.add("--part")
    out = [name.replace("NAME", context.params["name"])]
    for parameter in context.command.params:
        option, given = parameter.opts[0], context.params.get(str(parameter.name))
        if given and given != parameter.default and option not in named:
            for value in map(str, given if isinstance(given, list) else [given]):
                if option != "--part" or value.partition(":")[0] not in named:
                    out += [option, value]
    return f"mien face new {join(out + words)}"


def _answer(question: str, default: str) -> str:
    """The user's answer to a question; the default where it is empty.

    Raises:
        EOFError: there is nobody to answer.
    """
    print(f"{question} [{default}]: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or default
