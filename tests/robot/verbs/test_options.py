"""Options of the same name say and allow the same in every verb."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from mien.robot.verbs import cli

OF_THEIR_OWN = {
    "--face": {"play"},  # the recording knows its face
    "--voice": {"sing", "style learn"},  # the sound of a voice, not a synthesiser
    "--style": {"direct"},  # that of the show is the default
    "--out": {
        "export speech",
        "firmware build",
        "train speech",
        "train mean",
        "train coarticulation",
        "train manner",
        "direct",
        "train prior",
        "face new",
        "calibrate markers-sheet",
    },
    "--port": {"clear", "estop", "firmware flash", "sync"},  # a board, or no dry run
    "--camera": {"mimic", "sync"},  # a person; a real face alone
    "--wav": {"live", "play", "speak"},  # instead of a microphone; beside a take; no default
    "--size": {"emotions"},  # of one of many faces
    "--seconds": {"play"},  # of the take
    "--seed": {"train speech", "train manner", "train prior"},
    "--steps": {"train manner"},  # batches of another size
    "--film": {"direct"},  # off unless asked for
    "--json": {"doctor", "face check", "calibrate history"},  # lists
    "--text": {"live", "speak"},
    "--emotion": {"live", "speak", "style learn", "style forget"},
    "--rate": {"play", "train speech"},
    "--data": {"train speech", "train coarticulation", "train manner", "train prior"},
}
"""Verbs in which an option means something else than the shared one."""
STAGES = {"--out", "--seed", "--port"}
"""Options that the stages of ``calibrate`` share among themselves."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield " ".join(path), command
        return
    for name in command.list_commands(None):
        if name != "bench":  # of the checkout
            yield from commands(command.get_command(None, name), (*path, name))


@pytest.fixture(scope="module")
def options() -> dict[str, dict[str, tuple[object, ...]]]:
    """Option -> verb -> (help, smallest, largest)."""
    found: dict[str, dict[str, tuple[object, ...]]] = defaultdict(dict)
    for verb, command in commands(typer.main.get_command(cli.build())):
        for option in command.params:
            if option.param_type_name == "option":
                allowed = option if hasattr(option, "min") else getattr(option, "type", None)
                limits = (getattr(allowed, "min", None), getattr(allowed, "max", None))
                found[max(option.opts, key=len)][verb] = (option.help, *limits)
    return found


def test_an_option_says_and_allows_the_same_in_every_verb(
    options: dict[str, dict[str, tuple[object, ...]]],
) -> None:
    assert len(options) > 50
    for name, verbs in options.items():
        for stages in (True, False) if name in STAGES else (None,):
            shared = {
                told
                for verb, told in verbs.items()
                if verb not in OF_THEIR_OWN.get(name, ())
                and (stages is None or verb.startswith("calibrate ") == stages)
            }
            assert len(shared) <= 1, (name, shared)


def test_what_has_an_option_of_its_own_exists(
    options: dict[str, dict[str, tuple[object, ...]]],
) -> None:
    for name, verbs in OF_THEIR_OWN.items():
        assert verbs <= options[name].keys(), name


def test_every_option_is_told(options: dict[str, dict[str, tuple[object, ...]]]) -> None:
    for name, verbs in options.items():
        for verb, (told, *_) in verbs.items():
            assert told, f"{verb} {name}"
