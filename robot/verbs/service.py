"""``mien service``: the face as a systemd user unit that starts by itself and obeys a rule."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from mien.models.files import write_whole
from mien.robot.errors import DeviceError, InputError, MienError
from mien.robot.service import requests
from mien.robot.service.settings import EXAMPLE, default_path, load_settings
from mien.robot.service.status_file import Status, read_all
from mien.robot.service.unit import NAME, ours, unit_path, unit_text

HEARD_S: Final = 5.0
_SYSTEMCTL: Final = "systemctl --user"

app = typer.Typer(help="Run the face unattended, as a systemd user unit.", no_args_is_help=True)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings with the rule by which it may move. The default is "
        "~/.config/mien/service.yaml, which is made if it is missing.",
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Argument(help="Options of mien live, after --.", metavar="[-- OPTIONS OF LIVE]"),
]


@app.command()
def install(
    words: Words = None,
    config: Config = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done and do nothing.")
    ] = False,
) -> None:
    """Write a systemd user unit that runs mien live, and print how to start it.

    The face starts at rest. It moves when the rule in the settings holds.

    Example: mien service install -- --face myface.yaml --port auto --mic 1
    """
    _needs_linux()
    face = _checked(words or [])
    settings = (config or default_path()).expanduser().absolute()
    made = not settings.exists() and config is None
    if not made:
        load_settings(settings)
    command = [*_program(), "live", "--unattended", str(settings), *(words or [])]
    text, path = unit_text(face, command, Path.cwd()), unit_path()
    _check_ours(path)
    if dry_run:
        print(f"# would write {path}:\n{text}")
        print(f"# would write {settings}:\n{EXAMPLE}" if made else f"# {settings} stays as it is")
        return
    if made:  # first: a unit without settings would be started and refused
        _write(settings, EXAMPLE)
    _write(path, text)
    print(f"unit      {path}\nsettings  {settings}")
    for fault in _verified(path):
        print(f"mien: systemd-analyze: {fault}", file=sys.stderr)
    print("next:")
    print(f"  {_SYSTEMCTL} daemon-reload && {_SYSTEMCTL} enable --now {NAME}")
    print(f"  loginctl enable-linger {shlex.quote(_user())}   # starts it without a login")
    print("  mien status")


@app.command()
def uninstall() -> None:
    """Remove the unit. Settings, recordings and log stay.

    Example: mien service uninstall
    """
    path = unit_path()
    if not path.exists():
        raise InputError(f"there is no unit {path}", "mien service install")
    _check_ours(path)
    if _systemctl("is-active", NAME) in ("active", "activating", "reloading"):
        raise InputError(f"{NAME} runs", f"{_SYSTEMCTL} disable --now {NAME}")
    link = path.parent / "default.target.wants" / NAME
    link.unlink(missing_ok=True)  # of enable; a dangling one would be complained of for ever
    path.unlink()
    print(f"removed {path}\nnext: {_SYSTEMCTL} daemon-reload")


@app.command()
def status() -> None:
    """Print where the unit is, what systemd says of it, and the health of the run.

    Example: mien service status
    """
    from mien.robot.verbs.status import status as health

    path = unit_path()
    print(f"unit      {path if path.exists() else 'not installed; mien service install'}")
    print(f"systemd   {_systemctl('is-enabled', NAME)}, {_systemctl('is-active', NAME)}")
    health()


@app.command()
def arm() -> None:
    """Say that the face may move: after an emergency stop, or where the rule asks for a person.

    The rest of the rule still holds. A board in ESTOP is cleared.

    Example: mien service arm
    """
    _say(requests.ARM)


@app.command()
def rest() -> None:
    """Bring an unattended face to rest, until somebody says mien service arm.

    Example: mien service rest
    """
    _say(requests.REST)


def _check_ours(path: Path) -> None:
    """Refuse what is no unit of ours."""
    whole = path.is_file() and ours(path.read_text(encoding="utf-8", errors="replace"))
    if path.exists() and not whole:
        raise InputError(
            f"{path} was written by somebody else", f"move it away: mv {path} ELSEWHERE"
        )


def _say(word: str) -> None:
    runs = [s for s in read_all().values() if isinstance(s, Status) and s.unattended]
    if not runs:
        raise DeviceError("no unattended face runs", "mien service status")
    for run in runs:
        path, end = requests.say(run.pid, word), time.monotonic() + HEARD_S
        while path.exists():
            if time.monotonic() > end:
                path.unlink(missing_ok=True)
                raise DeviceError(f"{run.face} (process {run.pid}) does not listen", "mien status")
            time.sleep(0.05)
        print(f"{run.face}: {word}")


def _checked(words: list[str]) -> str:
    """Name of the face that the options of ``mien live`` name, which are all checked here.

    Raises:
        InputError, ConfigError: they are refused.
    """
    from typer.main import get_command

    from mien.robot.face.config import load_face
    from mien.robot.verbs.live import live

    one = typer.Typer(add_completion=False)
    one.command()(live)
    with get_command(one).make_context("mien live", list(words)) as context:
        options = context.params
    for name in ("unattended", "record", "seconds"):
        if options.get(name):
            raise InputError(f"mien service: --{name} has no place in a unit", "leave it out")
    return load_face(options["face"]).name


def _program() -> list[str]:
    script = Path(sys.executable).parent / "mien"
    if script.is_file() and os.access(script, os.X_OK):
        return [str(script)]
    return [sys.executable, "-m", "mien.robot.verbs.cli"]


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as e:
        raise MienError(f"cannot write {path}: {e.strerror}", f"ls -ld {path.parent}") from e


def _verified(path: Path) -> list[str]:
    """What systemd finds wrong in the unit; nothing where it is not there to be asked."""
    if shutil.which("systemd-analyze") is None:
        return []
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return [line for line in done.stderr.splitlines() if NAME in line]


def _systemctl(*words: str) -> str:
    """What systemctl says in one line."""
    if shutil.which("systemctl") is None:
        return "systemctl is not here"
    done = subprocess.run(
        ["systemctl", "--user", *words], capture_output=True, text=True, check=False, timeout=20
    )
    return (done.stdout or done.stderr).strip().partition("\n")[0] or "unknown"


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _needs_linux() -> None:
    if not sys.platform.startswith("linux"):
        raise InputError(
            f"units are systemd's, and this is {sys.platform}",
            "let your system start: mien live --unattended SETTINGS",
        )
