"""The systemd user unit of an unattended face, as text, and where it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mien.robot.errors import InputError

NAME: Final = "mien.service"
_HEAD: Final = "# Written by mien service install; mien service uninstall removes it."

_TEXT: Final = """\
{head}
[Unit]
Description=Mien: the face {face}, unattended
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type=notify
WorkingDirectory={folder}
ExecStart={command}
# A board or a microphone that is missing is waited for inside; this is for crashes.
Restart=on-failure
RestartSec=5
# A refused configuration stays refused until somebody has edited it.
RestartPreventExitStatus=2
# 130: it was asked to stop, and the face came to rest.
SuccessExitStatus=130
# Only the loop gets the signal, and brings the face to rest first.
KillMode=mixed
TimeoutStartSec=180
TimeoutStopSec=20
WatchdogSec=30
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def unit_path() -> Path:
    """``$XDG_CONFIG_HOME/systemd/user/mien.service``, by default below ``~/.config``."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user" / NAME


def unit_text(face: str, command: Sequence[str], folder: Path) -> str:
    """The unit that runs ``command`` in ``folder``.

    Args:
        face: name of the face.
        command: program, by its absolute path, and arguments.
        folder: against which relative paths of the arguments count.

    Raises:
        InputError: a path or an argument that a unit cannot hold.
    """
    words = " ".join([quoted(command[0], variables=False), *(quoted(w) for w in command[1:])])
    return _TEXT.format(head=_HEAD, face=face, command=words, folder=_folder(folder))


def ours(text: str) -> bool:
    """Whether a unit was written by this program."""
    return text.startswith(_HEAD)


def quoted(word: str, variables: bool = True) -> str:
    """A word of a command as a unit writes it.

    Args:
        word: any text without control characters.
        variables: whether the place of the word is one where ``$`` has a meaning.

    Raises:
        InputError: it has a control character.
    """
    if not word.isprintable():
        raise InputError(f"{ascii(word)[:80]} has a control character, which no unit can hold")
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if variables:
        text = text.replace("$", "$$")
    plain = text and all(c.isalnum() or c in "/-_.=:,@%+" for c in text)
    return text if plain else f'"{text}"'


def _folder(path: Path) -> str:
    text = str(path)
    if not text.isprintable() or text != text.strip():
        raise InputError(f"the folder {ascii(text)[:200]} cannot stand in a unit", "cd elsewhere")
    return text.replace("%", "%%")
