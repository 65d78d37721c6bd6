"""Generator of the files derived from ``core/protocol.h``: ``python -m mien.firmware.tools.wire``.

It writes ``core/protocol_hash.h`` and ``robot/wire.py``. Both are in the repository, so neither a
firmware build nor an installed package needs this step. A test compares them with the header.
"""

from __future__ import annotations

from pathlib import Path

from mien.firmware.tools.header import CORE, Header, read_header, struct_format

HASH_HEADER = CORE / "protocol_hash.h"
WIRE = Path(__file__).parents[2] / "robot" / "wire.py"
FLAGS = {"fault", "flag"}  # enums whose members are bits
DOCS = {
    "msg": "Message types: host to board below 0x80, board to host above.",
    "state": "States of the board.",
    "result": "Answer of the board to a command.",
    "fault": "Latched faults.",
    "reset": "Cause of the board's last reset.",
    "switch": "Wiring of the emergency switch at the board's input.",
    "flag": "Flags of a channel.",
}


def hash_header(header: Header) -> str:
    """Text of ``protocol_hash.h``."""
    return (
        "/* Generated from protocol.h: python -m mien.firmware.tools.wire. A test compares. */\n"
        "#ifndef MIEN_PROTOCOL_HASH_H\n#define MIEN_PROTOCOL_HASH_H\n\n"
        f"#define MIEN_PROTOCOL_HASH 0x{header.hash:08X}UL\n\n#endif\n"
    )


def wire_module(header: Header) -> str:
    """Text of ``robot/wire.py``."""
    lines = [
        '"""Generated from firmware/core/protocol.h by ``python -m mien.firmware.tools.wire``."""',
        "",
        "from dataclasses import dataclass",
        "from enum import IntEnum, IntFlag",
        "from struct import Struct",
        "",
        f"PROTOCOL_HASH = 0x{header.hash:08X}",
        *(f"{name} = {value}" for name, value in header.constants.items()),
    ]
    for name, members in header.enums.items():
        base = "IntFlag" if name in FLAGS else "IntEnum"
        lines += ["", "", f"class {_camel(name)}({base}):", f'    """{DOCS[name]}"""', ""]
        lines += [f"    {member} = 0x{value:02X}" for member, value in members.items()]
    for name, fields in header.messages.items():
        lines += ["", "", "@dataclass(frozen=True, slots=True)", f"class {_camel(name)}:"]
        lines += [f'    """Payload of {name}."""', ""]
        lines += [f"    {field}: int" for _, field in fields]
    lines += ["", ""]
    lines += [f'{n}_LAYOUT = Struct("{struct_format(f)}")' for n, f in header.messages.items()]
    return "\n".join(lines) + "\n"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def main() -> None:
    """Write both files."""
    header = read_header()
    HASH_HEADER.write_text(hash_header(header))
    WIRE.write_text(wire_module(header))


if __name__ == "__main__":
    main()
