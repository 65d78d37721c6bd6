"""One definition of the wire: derived files are up to date, C and Python agree on every byte."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mien.firmware.host._core import ffi, lib

from mien.firmware.host import HostCore
from mien.firmware.tools.header import LETTER, read_header
from mien.firmware.tools.wire import HASH_HEADER, WIRE, hash_header, wire_module
from mien.robot import wire
from mien.robot.link import protocol

HEADER = read_header()
BITS = {kind: int(kind[1:]) for kind in LETTER}
FIXED = sorted(HEADER.messages)  # of messages with a list behind them, the part before it


def test_derived_files_are_those_of_the_header() -> None:
    assert hash_header(HEADER) == HASH_HEADER.read_text()
    assert wire_module(HEADER) == WIRE.read_text()


def test_the_compiled_core_has_the_same_hash() -> None:
    assert HostCore().protocol_hash == wire.PROTOCOL_HASH == HEADER.hash


def test_header_refuses_a_type_that_nobody_knows(tmp_path: Any) -> None:
    path = tmp_path / "protocol.h"
    path.write_text("#define MIEN_FIELDS_X(F) F(float, speed)\n")
    with pytest.raises(ValueError, match="unknown type"):
        read_header(path)


def integers(kind: str) -> st.SearchStrategy[int]:
    bits = BITS[kind]
    if kind[0] == "u":
        return st.integers(0, 2**bits - 1)
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def values(name: str) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries({field: integers(kind) for kind, field in HEADER.messages[name]})


@pytest.mark.parametrize("name", FIXED)
@given(data=st.data())
def test_python_packs_and_c_unpacks(name: str, data: st.DataObject) -> None:
    fields = data.draw(values(name))
    kind = getattr(wire, "".join(part.capitalize() for part in name.split("_")))
    packed = protocol.pack(kind(**fields))
    native = getattr(lib, f"mien_get_{name.lower()}")(packed)
    assert {field: getattr(native, field) for field in fields} == fields


@pytest.mark.parametrize("name", FIXED)
@given(data=st.data())
def test_c_packs_and_python_unpacks(name: str, data: st.DataObject) -> None:
    fields = data.draw(values(name))
    kind = getattr(wire, "".join(part.capitalize() for part in name.split("_")))
    native = ffi.new(f"struct mien_{name.lower()} *", fields)
    size = sum(BITS[field_kind] // 8 for field_kind, _ in HEADER.messages[name])
    room = ffi.new("uint8_t[]", size)
    getattr(lib, f"mien_put_{name.lower()}")(room, native)
    assert protocol.unpack(kind, bytes(ffi.buffer(room))) == kind(**fields)


def test_every_field_type_has_a_letter() -> None:
    assert {kind for fields in HEADER.messages.values() for kind, _ in fields} <= set(LETTER)
