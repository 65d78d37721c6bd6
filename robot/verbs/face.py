"""``mien face``: a face of one's own, drawn from parts, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
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
        str, typer.Option(help="With --servos: parts with tendons: cheeks, nose, both, or none.")
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
        if servos is not None and part:
            raise InputError(
                "--servos and --part do not go together", f"mien face new NAME --servos {servos}"
            )
        if part and tendons:
            raise InputError(
                "--tendons goes with --servos; with --part they are parts",
                "mien face new NAME --part cheeks:2",
            )
        boards = servo_board or []
        drawn = design(name, {"jaw": 1}, boards, volts, amps, large or [])  # before any question
        refuse_existing(drawn, out)
        if servos is not None:
            chosen = library.grown(servos, tendons)
        elif part:
            chosen = library.part_counts(part)
        else:
            chosen = asked(_answer, tendons, "mien face new NAME --servos 6")
        face, mechanism = write(design(name, chosen, boards, volts, amps, large or []), out)
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
    if not hint.startswith("mien face new ") or "--help" in hint:
        return hint
    name, *words = split(hint)[3:]
    new = list(zip(words[::2], words[1::2], strict=True))
    parts = {_part(value) for option, value in new if option == "--part"}
    changed = {"--servos", "--tendons"} if parts else {option for option, _ in new}
    changed |= {"--part"} if "--servos" in changed and not parts else set()
    out = ["mien", "face", "new", context.params["name"] if name == "NAME" else name]
    for parameter in context.command.params:
        option, given = parameter.opts[0], context.params.get(str(parameter.name))
        if not option.startswith("--") or option in changed or not given:
            continue
        if given != parameter.default:
            values = map(str, given if isinstance(given, list | tuple) else [given])
            out += [w for v in values if _part(v) not in parts for w in (option, v)]
    return join([*out, *words])


def _part(text: str) -> str:
    return text.partition(":")[0]


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
