"""A group of commands that imports one only when it is called, or listed by --help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final

import typer
from typer.core import TyperGroup

from mien.robot.errors import InputError
from mien.robot.verbs.checked import checked, plain_help

EXTRAS: Final = {
    "mujoco": "sim", "moderngl": "sim", "imageio_ffmpeg": "sim", "matplotlib": "sim",
    "mediapipe": "vision", "cv2": "vision", "torch": "train", "aiohttp": "panel",
    "hibari": "tts", "onnx": "export", "onnxruntime": "export",
    "vaderSentiment": "estimate", "pocketsphinx": "train", "ctranslate2": "train",
}  # fmt: skip
"""The extra of the package that brings a module."""


CLONE: Final = "clone the repository, then: bash .ci/setup && .venv/bin/mien"
"""What brings the parts that no wheel has: trainings and benches."""


class LazyGroup(TyperGroup):
    """Commands by name, each from a function that imports it.

    A command that cannot be imported is listed with the reason. It stops no other command: an
    emergency stop must work on a machine where the graphics stack does not.
    """

    table: ClassVar[Callable[[], Mapping[str, Callable[[], Any]]]]
    """Name -> what imports it: a function, or a ``typer.Typer`` with commands of its own."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, sorted."""
        del ctx
        return sorted(type(self).table())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command, or None."""
        del ctx
        load = type(self).table().get(cmd_name)
        return None if load is None else _command(cmd_name, load)


def lacking(error: Exception) -> tuple[str, str]:
    """What an import lacks, and the command that brings it."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        if error.name.startswith("mien."):
            return "this command is part of a checkout of Mien, and not of an installed Mien", CLONE
        top = error.name.partition(".")[0]
        return (
            f"the module {top} is not installed",
            f"pip install 'mien[{EXTRAS.get(top, 'all')}]'",
        )
    if isinstance(error, InputError):
        return error.message, error.hint
    first = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {first}", "mien doctor"


def _command(name: str, load: Callable[[], Any]) -> Any:
    try:
        verb = load()
    except Exception as e:  # whatever a broken installation raises stays with its own command
        verb = _unavailable(name, *lacking(e))
    if isinstance(verb, typer.Typer):
        verb.info.name = name
        for info in verb.registered_commands:
            info.callback = info.callback and checked(info.callback)
        group: Any = typer.main.get_group(verb)
        group.name = name
        return plain_help(group)
    # Extra words and options are taken, so that the reason is printed and not that they are wrong.
    loose = {"ignore_unknown_options": True, "allow_extra_args": True}
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    settings = loose if getattr(verb, "unavailable", False) else {}
    app.command(name=name, context_settings=settings)(checked(verb))
    return plain_help(typer.main.get_command(app))


def _unavailable(name: str, reason: str, hint: str) -> Callable[..., None]:
    def verb(words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
        del words
        raise InputError(f"{name} cannot run here: {reason}", hint)

    verb.__doc__ = f"Cannot run here: {reason}. Next: {hint}"
    verb.unavailable = True  # type: ignore[attr-defined]
    return verb
