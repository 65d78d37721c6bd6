"""The ``mien`` command: collects verbs and benches from entry points and knows none by name."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from mien.models.errors import ModelError
from mien.robot.errors import MienError

INTERRUPTED = 130


def build(asked: str = "") -> typer.Typer:
    """The root app with every verb of ``mien.commands`` and every bench of ``mien.benches``.

    When ``asked`` is one of the verbs, only that one is loaded: ``mien estop`` cannot wait for the
    libraries of the others.
    """
    app = typer.Typer(
        name="mien",
        help="Makes an animatronic face speak and feel.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    verbs = {point.name: point for point in entry_points(group="mien.commands")}
    alone = asked in verbs
    for point in [verbs[asked]] if alone else sorted(verbs.values(), key=lambda p: p.name):
        verb = point.load()
        if isinstance(verb, typer.Typer):
            app.add_typer(verb, name=point.name)
        else:
            app.command(name=point.name)(verb)
    bench = typer.Typer(help="Measures and prints numbers.", no_args_is_help=True)
    benches = () if alone else entry_points(group="mien.benches")
    for point in sorted(benches, key=lambda p: p.name):
        bench.command(name=point.name)(_printing(point.name, point.load()))
    app.add_typer(bench, name="bench")
    return app


def main() -> None:
    """Console script. Exits 0 done, 1 failed, 2 configuration, 3 no device, 130 interrupted."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else "")(standalone_mode=True)
    except (MienError, ModelError) as e:
        print(f"mien: {e.message}", file=sys.stderr)
        if e.hint:
            print(f"  next: {e.hint}", file=sys.stderr)
        sys.exit(e.exit_code if isinstance(e, MienError) else 2)
    except OSError as e:
        where = f" {e.filename}" if e.filename else ""
        print(f"mien:{where} {e.strerror or e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:  # typer itself leaves with the same code while a verb runs
        sys.exit(INTERRUPTED)


def _printing(area: str, bench: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """``bench`` as a command: its own options plus ``--json``."""

    @functools.wraps(bench)
    def command(*args: Any, as_json: bool = False, **options: Any) -> None:
        numbers = {
            f"{area}.{k.removeprefix(area + '.')}": v for k, v in bench(*args, **options).items()
        }
        if as_json:
            print(json.dumps(numbers))
            return
        width = max(map(len, numbers), default=0)
        for key, value in numbers.items():
            print(
                f"{key:<{width}}  {value:.6g}"
                if isinstance(value, float)
                else f"{key:<{width}}  {value}"
            )

    own = inspect.signature(bench, eval_str=True)
    flag = inspect.Parameter(
        "as_json",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")],
    )
    command.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*own.parameters.values(), flag], return_annotation=None
    )
    hints = {k: p.annotation for k, p in own.parameters.items()}
    command.__annotations__ = {**hints, "as_json": flag.annotation, "return": None}
    return command


if __name__ == "__main__":
    main()
