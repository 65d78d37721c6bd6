from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.data.corpora import rnc, steelsky
from mien.models.errors import ModelError
from tests.models.data.corpora.rnc_packer import pack


def test_the_checksum_is_arc_s() -> None:
    assert rnc.crc(b"123456789") == 0xBB3D


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"a", b"ab", b"the same", bytes(9), b"\xff\x80"]), max_size=150))
def test_what_was_packed_comes_back(parts: list[bytes]) -> None:
    data = b"".join(parts)
    block = pack(data)
    assert rnc.packed(block)
    assert rnc.unpack(block + b"what follows") == data


def test_a_copy_may_reach_into_itself() -> None:
    block = pack(b"x" * 300)
    assert len(block) < 70
    assert rnc.unpack(block) == b"x" * 300


def test_damage_is_noticed() -> None:
    block = pack(b"the same again and the same again")
    for at in (9, 13, 15, 30, len(block) - 1):
        bad = bytearray(block)
        bad[at] ^= 0x10
        with pytest.raises(ModelError, match="damaged"):
            rnc.unpack(bytes(bad))
    with pytest.raises(ModelError, match="damaged"):
        rnc.unpack(block[:-1])
    with pytest.raises(ModelError, match="no block"):
        rnc.unpack(b"RNC\x02" + block[4:])


@pytest.mark.data
def test_the_game_s_own_checksums_hold() -> None:
    if not steelsky.FOLDER.is_dir():
        pytest.skip("apt-get install beneath-a-steel-sky")
    lines = dict(steelsky.lines())
    assert len(lines) > 3000
    for name in list(lines)[::60]:
        assert len(steelsky.decode(lines[name])) > 1000
