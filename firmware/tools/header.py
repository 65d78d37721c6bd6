"""Parser of ``core/protocol.h``, the only definition of the wire."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

CORE = Path(__file__).parents[1] / "core"
HEADER = CORE / "protocol.h"
LETTER = {"u8": "B", "u16": "H", "u32": "I", "i16": "h", "i32": "i"}  # of the module struct


@dataclass(frozen=True)
class Header:
    """Contents of ``protocol.h``.

    Attributes:
        hash: first four bytes of its SHA-256, little endian.
        constants: ``MIEN_QUEUE_DEPTH`` -> 8 is {"QUEUE_DEPTH": 8}.
        enums: "state" -> {"ARMED": 2, ...}.
        messages: "PING" -> [("u32", "token")], in wire order.
    """

    hash: int
    constants: dict[str, int]
    enums: dict[str, dict[str, int]]
    messages: dict[str, list[tuple[str, str]]]


def read_header(path: Path = HEADER) -> Header:
    """Parse the header.

    Raises:
        ValueError: a definition has an unknown form.
    """
    raw = path.read_bytes()
    text = re.sub(r"/\*.*?\*/", " ", raw.decode(), flags=re.DOTALL).replace("\\\n", " ")
    constants, messages = {}, {}
    for name, rest in re.findall(r"^#define MIEN_(\w+)(.*)$", text, re.MULTILINE):
        if name.startswith("FIELDS_"):
            fields = re.findall(r"F\((\w+), (\w+)\)", rest)
            if not fields or any(kind not in LETTER for kind, _ in fields):
                raise ValueError(f"{path}: MIEN_{name} has a field of an unknown type: {fields}")
            messages[name.removeprefix("FIELDS_")] = fields
        elif value := rest.strip():
            constants[name] = int(value, 0)
    enums = {}
    for name, body in re.findall(r"enum mien_(\w+) \{(.*?)\};", text, re.DOTALL):
        members = re.findall(r"MIEN_\w+?_(\w+) = (\w+)", body)
        if len(members) != body.count("="):
            raise ValueError(f"{path}: enum mien_{name} has a member without a value")
        enums[name] = {member: int(value, 0) for member, value in members}
    digest = hashlib.sha256(raw).digest()
    return Header(int.from_bytes(digest[:4], "little"), constants, enums, messages)


def struct_format(fields: list[tuple[str, str]]) -> str:
    """Format for the module struct: little endian, no padding."""
    return "<" + "".join(LETTER[kind] for kind, _ in fields)
