"""Mutation of valid files: of their bytes, of their trees, and of their arrays."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import numpy as np

Mutate = Callable[[Random], bytes]
"""A generator -> the next file."""

SIZES: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1)
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2, 7, 0.5, -0.0, 1e-320, 1e308, -1e308, 1e400, float("nan"),
    float("-inf"), 10**39, -(10**39), 2**63, 2**64, 10**400, "", "x", "1", "nan", "1e400", "a b",
    "x" * 3000, "\x1b[2J\0", "ä\u2028", [], {}, [[]], [None], [0, 1], [1, 2, 3], {"x": 1}, {"": ""},
    ["a", "a"], [[1], [1]], [{}] * 70, list(range(300)), {str(k): k for k in range(70)},
)  # fmt: skip
WORDS: Final = (
    b"nan", b"inf", b"-inf", b"1e308", b"1e-320", b"1e400", b"9" * 5000, b"0x10", b"1:1:1", b"null",
    b"!!int x", b"!!float y", b"!!bool z", b"!!binary aGk=", b"!!set {a}", b"!!timestamp 2",
    b"!!python/name:os.system", b"2024-13-45", b"&a", b"*a", b"<<: *a", b"? [a]\n: b",
    b"{a: 1}: 2", b"---\n", b"[" * 200, b"{a: " * 60, b"\t", b"\r", b"\0", b"\xff",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"%YAML 9.9\n---\n", b"'", b'"', b"\\ud800",
    b"#", b": ", b"- ", b",", b";", b"-->", b"<", b"=", b"|",
)  # fmt: skip


def mutated_bytes(rng: Random, seeds: Sequence[bytes], words: Sequence[bytes] = WORDS) -> bytes:
    """One of ``seeds`` with one to four changes of its bytes."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 2, 4, 8, 30)))
        kind = rng.randrange(10)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            data[at:at] = data[at:end] * rng.choice((1, 2, 50))
        elif kind == 5:
            data[at:at] = rng.choice(words)
        elif kind == 6:
            data[at:end] = rng.choice(words)
        elif kind == 7:
            width = rng.choice("BHIQ")
            size = rng.choice(SIZES) & (256 ** struct.calcsize(width) - 1)
            order = rng.choice("<>")
            data[at : at + struct.calcsize(width)] = struct.pack(order + width, size)
        elif kind == 8:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other) + 1) :]
        else:
            data[at:end] = rng.randbytes(end - at)
    return bytes(data)


def mutated_tree(rng: Random, tree: Any, odd: Sequence[Any] = ODD) -> Any:
    """A copy of a tree of lists and objects with one to three of its places changed."""
    root = [_copy(tree)]
    for _ in range(rng.randint(1, 3)):
        places = [(root, 0), *_places(root[0])]
        parent, key = rng.choice(places)
        kind = rng.randrange(8)
        if kind == 0 and parent is not root:
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            parent[rng.choice(("", "x", "a.b", "jaw", "x" * 200, "\x1b"))] = parent.pop(key)
        elif kind == 2:
            other, name = rng.choice(places)
            parent[key] = _copy(other[name])
        elif kind == 3 and isinstance(parent, list) and parent is not root:
            parent[key:key] = [_copy(parent[key])] * rng.choice((1, 3, 70))
        elif kind == 4 and isinstance(parent, dict):
            parent[f"{key}2"] = _copy(parent[key])
        else:
            parent[key] = _copy(rng.choice(odd))
    return root[0]


def _copy(tree: Any) -> Any:
    """A copy of a tree; ``copy.deepcopy`` takes five times as long."""
    return pickle.loads(pickle.dumps(tree))


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        keys = (
            list(node)
            if isinstance(node, dict)
            else range(len(node))
            if isinstance(node, list)
            else ()
        )
        for key in keys:
            found.append((node, key))
            stack.append(node[key])
    return found


def as_json(tree: Any) -> bytes:
    """A tree as JSON, which is YAML as well; whole numbers of any length."""
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")


def mutated_npz(rng: Random, arrays: dict[str, Any]) -> bytes:
    """An npz file of ``arrays``, one to three of which were changed; some files lie."""
    with np.errstate(all="ignore"):
        return _npz(rng, dict(arrays))


def _npz(rng: Random, out: dict[str, Any]) -> bytes:
    for _ in range(rng.randint(1, 3)):
        if not out:
            break
        name = rng.choice(sorted(out))
        out[name] = array = np.array(out[name])
        kind = rng.randrange(9)
        if kind == 0:
            del out[name]
        elif kind == 1:
            out[name] = array[..., None]
        elif kind == 2:
            out[name] = array.reshape(-1)[: rng.randrange(array.size + 1)]
        elif kind == 3:
            out[name] = np.full(array.shape, rng.choice((np.nan, np.inf, 1e308, -1, 250)))
        elif kind == 4:
            out[name] = np.full(array.shape, "text")
        elif kind == 5:
            out[name] = np.zeros(array.shape, rng.choice(("u1", "i8", "f2", "?", "c16", "S3")))
        elif kind == 6:
            out[rng.choice(("x", "seed", "../x"))] = out.pop(name)
        elif kind == 7 and array.dtype.kind == "f" and array.size:
            array = array.copy()
            array.reshape(-1)[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, 1e30))
            out[name] = array
        else:
            out[name] = np.concatenate([np.atleast_1d(array)] * 2)
    raw = io.BytesIO()
    if rng.randrange(4):
        np.savez(raw, **out)
        return raw.getvalue()
    lie = rng.choice(
        ("(3, 4)", "(1000000000000,)", "(-1,)", "(2, 2, )", "((((((1,))))),)", "(1e3,)", "()")
    )
    descr = rng.choice(("'<f8'", "'|O'", "[('a', '<f8')]", "'<U99999999'", "'<f8' * 9", "'|V9'"))
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {lie}, }}\n".encode()
    member = b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + rng.randbytes(32)
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(raw, "w", packing) as archive:
        for name, array in out.items():
            plain = io.BytesIO()
            np.save(plain, np.array(array), allow_pickle=False)
            archive.writestr(f"{name}.npy", rng.choice((plain.getvalue(), member)))
    return raw.getvalue()


def mutated_tensors(rng: Random, header: dict[str, Any], data: bytes) -> bytes:
    """A safetensors file whose header or metadata was changed."""
    odd = (*ODD, "BF16", "F8_E4M3", "F16", "I64", "BOOL", [0, 2**62], [8, 0], [0, 4])
    tree = _copy(header)
    if rng.randrange(2):
        meta = mutated_tree(rng, json.loads(header["__metadata__"]["mien"]))
        tree["__metadata__"]["mien"] = as_json(meta).decode("utf-8", "surrogatepass")
    if rng.randrange(2):
        tree = mutated_tree(rng, tree, odd)
    if not rng.randrange(4):
        data = mutated_bytes(rng, [data])
    raw = as_json(tree)
    length = len(raw) if rng.randrange(10) else rng.choice(SIZES)
    return struct.pack("<Q", length) + raw + data
