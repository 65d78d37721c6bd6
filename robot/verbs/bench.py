"""``mien bench AREA``: the measurements of a checkout, printed as one flat table."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mien.robot.errors import InputError
from mien.robot.verbs.lazy import CLONE, LazyGroup

CHECKOUT: Final = Path(__file__).resolve().parents[2]
"""The folder that holds robot, models, tests ... where this file lies in a checkout."""
REGISTRY: Final = "tests.bench.registry"


def benches(root: Path = CHECKOUT) -> dict[str, str]:
    """Area -> ``module:function`` of every bench of the checkout at ``root``.

    Raises:
        InputError: ``root`` is no checkout: benches are not part of the installed package.
    """
    if not root.joinpath(*REGISTRY.split(".")).with_suffix(".py").is_file():
        raise InputError(
            f"mien bench measures a checkout of Mien, and {root} is none",
            f"{CLONE} bench",
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    found: dict[str, str] = import_module(REGISTRY).BENCHES
    return found


class Benches(LazyGroup):
    """All areas of the checkout."""

    table = staticmethod(lambda: {area: partial(_load, area) for area in benches()})


def bench_group() -> typer.Typer:
    """``mien bench`` with a command for each area.

    Raises:
        InputError: there is no checkout.
    """
    benches()
    return typer.Typer(cls=Benches, help="Measures and prints numbers.", no_args_is_help=True)


def printing(area: str, bench: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """``bench`` as a command: its own options plus ``--json``. Keys become ``AREA.NAME``."""

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


def _load(area: str) -> Callable[..., None]:
    module, _, name = benches()[area].partition(":")
    return printing(area, getattr(import_module(module), name))
