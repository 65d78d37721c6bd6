"""Asks a program or a server of the user's choice to rewrite the subtitles of a song.

It may be a language model. It gets one JSON object: ``task`` (the grammar and what is asked),
``heard`` (notes and phrases) and ``subtitles`` (a draft). Its answer is the text of a subtitle
file and is read as carefully as any file. Nothing is asked unless the user names what to ask.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final

from mien.models.reading.bounded import excerpt
from mien.models.song.subtitles import MAX_BYTES, MOTIONS, MotionCue, parse, write
from mien.robot.errors import InputError, MienError
from mien.robot.names import quoted

TIMEOUT_S: Final = 120.0
HINT: Final = "leave --rewrite out to perform the subtitles that Mien writes"
TASK: Final = (
    "Rewrite these motion subtitles of a singing face so that it acts the song. Answer with an SRT "
    "file only. Each block has 'HH:MM:SS,mmm --> HH:MM:SS,mmm', then lines 'region: motion, "
    "intensity' (0 to 1); a line that begins with # is a note. Keep the vowels and closures of the "
    "mouth as they are. Regions and motions: "
)


def rewritten(
    asked: str, cues: Sequence[MotionCue], heard: Mapping[str, Any]
) -> tuple[MotionCue, ...]:
    """The subtitles that a program or a server answers.

    Args:
        asked: a command line, or an address that begins with http:// or https://.
        cues: the draft.
        heard: what was heard, for JSON.

    Raises:
        MienError: no answer.
        ModelError: an answer that is no subtitle file.
    """
    regions = "; ".join(f"{region}: {', '.join(motions)}" for region, motions in MOTIONS.items())
    question = {"task": TASK + regions, "heard": dict(heard), "subtitles": write(cues)}
    raw = json.dumps(question).encode()
    web = asked.startswith(("http://", "https://"))
    answer = _posted(asked, raw) if web else _piped(asked, raw)
    if len(answer) > MAX_BYTES:
        raise MienError(f"{quoted(asked)} answered more than {MAX_BYTES} bytes", HINT)
    text = answer.decode("utf-8", "replace")
    return parse(_unfenced(text), f"the answer of {quoted(asked)}")


def _piped(command: str, raw: bytes) -> bytes:
    with tempfile.TemporaryFile() as question:  # it may answer before it has read all
        question.write(raw)
        question.seek(0)
        try:
            words = shlex.split(command)
            if not words:
                raise InputError("--rewrite is empty", HINT)
            program = subprocess.Popen(
                words, stdin=question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except (OSError, ValueError) as e:
            raise InputError(f"cannot run {quoted(command)}: {e}", HINT) from e
    heard: list[bytes] = []

    def hear() -> None:
        with program.stdout as pipe:  # type: ignore[union-attr]
            heard.append(pipe.read(MAX_BYTES + 1))

    # Not in this thread: a child of the program may hold the pipe when the program is killed.
    listener = threading.Thread(target=hear, daemon=True)
    answer = None
    try:
        listener.start()
        listener.join(TIMEOUT_S)
        if heard and len(heard[0]) <= MAX_BYTES:
            program.wait(TIMEOUT_S)
        answer = heard[0] if heard else None  # before the end of the program ends the pipe
    except subprocess.TimeoutExpired:
        pass
    finally:
        program.kill()
        program.wait()
    if answer is None:
        raise MienError(f"{quoted(command)} did not answer within {TIMEOUT_S:g} s", HINT)
    if program.returncode and len(answer) <= MAX_BYTES:
        raise MienError(f"{quoted(command)} failed with exit code {program.returncode}", HINT)
    return answer


def _posted(address: str, raw: bytes) -> bytes:
    try:
        request = urllib.request.Request(
            address, raw, {"Content-Type": "application/json", "Accept": "text/plain"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read(MAX_BYTES + 1)
            return body
    except (OSError, ValueError, HTTPException) as e:
        raise MienError(f"{quoted(address)} did not answer: {excerpt(str(e))}", HINT) from e


def _unfenced(text: str) -> str:
    """The text between two fences, where an answer has them."""
    parts = text.split("```")
    return parts[1].partition("\n")[2] if len(parts) >= 3 else text
