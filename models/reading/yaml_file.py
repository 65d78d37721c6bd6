"""YAML as configuration needs it: texts, numbers, lists, and objects whose keys are texts.

A first pass over the events of the parser limits depth and size, with every alias counted as often
as it is used. Only then is the content built.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError

from mien.models.reading.bounded import (
    MAX_DIGITS,
    MAX_TEXT_BYTES,
    FileError,
    excerpt,
    read_text,
    whole_number,
)

MAX_DEPTH: Final = 32
"""Most lists and objects inside one another."""
MAX_VALUES: Final = 50_000
"""Most values, keys, lists and objects, with every alias written out."""
_MAX_NUMBER: Final = 400  # characters; the shortest float beyond the range has fewer
_PLAIN: Final = "tag:yaml.org,2002:"
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times as fast


def read_yaml(path: Path, most: int = MAX_TEXT_BYTES) -> Any:
    """Content of a YAML file of at most ``most`` bytes; None where it is empty.

    Raises:
        FileError: it is larger, not UTF-8, not YAML, nested too deep, holds too many values, a key
            twice or a key that is no text. The message names line and column.
        OSError: it cannot be read.
    """
    text = read_text(path, most)
    try:
        _measure(text)
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as e:
        raise FileError(path, f"it is not valid YAML: {_told(e)}") from e
    except (ValueError, RecursionError, OverflowError) as e:
        raise FileError(path, f"it is not valid YAML: {e}") from e


def _measure(text: str) -> None:
    """Refuse what is too deep or too large, before anything is built.

    Raises:
        ValueError: it is.
    """
    total = 0
    opened: list[tuple[str | None, int]] = []  # anchor, and the values before it
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=_Parser):
        mark: Any = event.start_mark
        where = f"line {mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"{where}: *{event.anchor} stands before or inside its anchor")
            total += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            sizes.pop(event.anchor or "", None)  # an alias inside would never end
            opened.append((event.anchor, total))
            total += 1
            if len(opened) > MAX_DEPTH:
                raise ValueError(f"{where}: more than {MAX_DEPTH} lists and objects in one another")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = total - before
        if total > MAX_VALUES:
            raise ValueError(f"{where}: more than {MAX_VALUES} values")


class _Loader(_Parser):  # type: ignore[misc]  # one of two classes of a library
    """Safe loader without what no schema of ours takes: sets, binaries, keys that are no text."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._known: set[yaml.Node] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Check the keys of an object, then write out what it merges (``<<``).

        Raises:
            ConstructorError: a key is no text, or is given twice.
        """
        if node not in self._known:  # afterwards it also holds the keys that it merged
            self._known.add(node)
            _check_keys(node)
        super().flatten_mapping(node)

    def scalar(self, node: yaml.ScalarNode) -> int | float | bool:
        """A whole number, a float or a truth value.

        Raises:
            ConstructorError: it is none, or has too many digits.
        """
        kind = node.tag.removeprefix(_PLAIN)
        try:
            if len(node.value) > _MAX_NUMBER:
                raise ValueError(f"has {len(node.value)} characters")
            value = getattr(self, f"construct_yaml_{kind}")(node)
            return whole_number(str(value)) if kind == "int" else value
        except (ValueError, LookupError, OverflowError) as e:
            why = e if len(node.value) > MAX_DIGITS else f"is no {kind}"
            raise ConstructorError(
                None, None, f"{excerpt(node.value)} {why}", node.start_mark
            ) from e


_KEYS: Final = (f"{_PLAIN}str", f"{_PLAIN}merge", f"{_PLAIN}value")


def _check_keys(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEYS:
            shown = excerpt(key.value) if isinstance(key, yaml.ScalarNode) else f"a {key.id}"
            raise ConstructorError(
                None, None, f"key {shown} is no text; write it in quotes", key.start_mark
            )
        if key.value in seen:
            raise ConstructorError(
                None, None, f"key {excerpt(key.value)} is given twice", key.start_mark
            )
        seen.add(key.value)


def _told(error: yaml.YAMLError) -> str:
    """An error of the parser in one line."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    what = getattr(error, "problem", None) or str(error)
    return where + " ".join(what.split())


for _tag in ("int", "float", "bool"):
    _Loader.add_constructor(f"{_PLAIN}{_tag}", _Loader.scalar)
_Loader.add_constructor(f"{_PLAIN}timestamp", _Loader.construct_yaml_str)  # no schema has a date
for _tag in ("binary", "omap", "pairs", "set"):
    _Loader.add_constructor(f"{_PLAIN}{_tag}", _Loader.construct_undefined)


def key_lines(path: Path, most: int = MAX_TEXT_BYTES) -> dict[str, int]:
    """Line, from 1, of every key of a YAML file, by its place such as ``actuators.jaw.channel``.

    Entries of lists are counted from 0. What an alias stands for has the lines of its anchor.

    Raises:
        FileError, OSError: as ``read_yaml``.
    """
    read_yaml(path, most)  # which refuses what is too deep or too large
    out: dict[str, int] = {}
    todo = [("", yaml.compose(read_text(path, most), Loader=_Parser))]
    while todo:
        place, node = todo.pop()
        if isinstance(node, yaml.MappingNode):
            inner = [(str(key.value), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            inner = [(str(k), value, value) for k, value in enumerate(node.value)]
        else:
            continue
        for name, at, value in inner:
            own = f"{place}.{name}" if place else name
            out[own] = at.start_mark.line + 1
            todo.append((own, value))
    return out


def line_of(lines: Mapping[str, int], place: str) -> int:
    """Line of a place in ``key_lines``, or of what holds it; 0 if there is none."""
    while place and place not in lines:
        place = place.rpartition(".")[0]
    return lines.get(place, 0)


def at_lines(lines: Mapping[str, int], faults: list[tuple[str, str]]) -> list[str]:
    """Faults (place, text), each behind its line."""
    found = sorted((line_of(lines, place), text) for place, text in faults)
    return [f"line {line}: {text}" if line else text for line, text in found]
