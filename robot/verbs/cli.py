"""The ``mien`` command: finds verbs by their entry points and knows none by name."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.metadata import entry_points
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Final

import typer

from mien.robot.errors import InputError, MienError
from mien.robot.stopping import INTERRUPTED
from mien.robot.verbs.bench import bench_group
from mien.robot.verbs.lazy import LazyGroup, lacking

GROUP: Final = "mien.commands"
_OF_THE_PATH: Final = (
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
"""What a path that was given can be wrong with; a full disk is no fault of the path."""


def verbs() -> dict[str, Callable[[], Any]]:
    """Every verb by name, with what imports it."""
    return {point.name: point.load for point in entry_points(group=GROUP)} | {"bench": bench_group}


class Verbs(LazyGroup):
    """All verbs."""

    table = staticmethod(lambda: verbs())


def build() -> typer.Typer:
    """The root app."""
    app = typer.Typer(
        name="mien",
        cls=Verbs,
        help="Makes an animatronic face speak and feel.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_root)
    return app


def main() -> None:
    """Console script. Exits 0 done, 1 failed, 2 configuration, 3 no device, 130 interrupted."""
    readable()
    try:
        build()(standalone_mode=True)
    except MienError as e:
        _say(e.message, e.hint)
        sys.exit(e.exit_code)
    except ModuleNotFoundError as e:  # of a verb that imports what it needs when it needs it
        _say(*lacking(e))
        sys.exit(InputError.exit_code)
    except UnicodeError as e:
        encoding = sys.getfilesystemencoding()
        _say(f"a text has letters that {encoding} lacks: {e}", "LC_ALL=C.UTF-8 mien ...")
        sys.exit(InputError.exit_code)
    except OSError as e:
        named = isinstance(e.filename, str) and isinstance(e, _OF_THE_PATH)
        where = f"{e.filename}: " if e.filename else ""
        _say(f"{where}{e.strerror or e}", f"ls -ld {quote(_near(e.filename))}" if named else "")
        sys.exit(InputError.exit_code if named else 1)
    except KeyboardInterrupt:  # typer itself leaves with the same code while a verb runs
        sys.exit(INTERRUPTED)


def _near(path: str) -> str:
    """The nearest folder that is there, or the thing itself."""
    found = Path(path)
    while not os.path.lexists(found) and found != found.parent:
        found = found.parent
    return str(found)


def readable() -> None:
    """Let the terminal print any text: letters that it lacks appear as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _version(requested: bool) -> None:
    if requested:
        print(metadata.version("mien"))
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Makes an animatronic face speak and feel."""
    del version


def _say(message: str, hint: str) -> None:
    print(f"mien: {message}", file=sys.stderr)
    if hint:
        print(f"  next: {hint}", file=sys.stderr)


if __name__ == "__main__":
    main()
