"""Reads a scene and its frames as their layout says, without the code that wrote them."""

import json
import struct
import zlib
from typing import Any

import numpy as np


class Bytes:
    """Takes arrays off the front, each padded to four bytes."""

    def __init__(self, raw: bytes) -> None:
        self.left = raw

    def take(self, kind: str, *shape: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * int(np.prod(shape))
        assert len(self.left) >= size
        out = np.frombuffer(self.left[:size], kind).reshape(shape)
        self.left = self.left[size + -size % 4 :]
        return out


def read_scene(message: bytes) -> dict[str, Any]:
    """The JSON, with the arrays of each part beside its numbers."""
    assert message[:8] == b"MISC\2\0\0\0"
    body = Bytes(zlib.decompress(message[8:]))
    told = json.loads(body.take("u1", int(body.take("<u4", 1)[0])).tobytes())
    for part in told["parts"]:
        v = part["vertices"]
        part["rest"] = body.take("<i2", v, 3) * told["step"]
        if part["normals"]:
            part["normal"] = body.take("<i2", v, 3) / 32767
        part["corners"] = body.take("<u2", part["triangles"], 3)
        part["albedo"] = body.take("u1", v, 3)
        part["share"] = body.take("u1", v, 2)
        part["local"] = body.take("<f4", v, 3)
        part["moving"] = body.take("<u2", part["rows"])
    width, height = told["paint"]
    told["image"] = body.take("u1", height, width, 4)
    told["fold rows"] = body.take("<u2", told["folds"]["rows"])
    wide, tall = told["folds"]["size"]
    told["fold drawing"] = body.take("u1", tall, wide, 3)
    assert body.left == b""
    return told


def read_frame(message: bytes, scene: dict[str, Any]) -> dict[str, Any]:
    """What the frame says by part or cloud; ``head`` is the head's place."""
    magic, crc, bits, light = struct.unpack("<8sIIf", message[:20])
    assert magic == b"MIFR\2\0\0\0"
    out: dict[str, Any] = {"crc": crc, "mouth_light": light}
    body = Bytes(message[20:])
    moving = [p for p in scene["parts"] if p["rigid"] or p["rows"]]
    blocks = [{"name": "head", "rigid": True}, *moving]
    if scene["folds"]["rows"]:
        blocks.append({"name": "folds", "rows": scene["folds"]["rows"], "depths": True})
    blocks += scene["clouds"]
    for k, block in enumerate(blocks):
        if not bits >> k & 1:
            continue
        if block.get("rigid"):
            out[block["name"]] = body.take("<f4", 3, 4)
            continue
        n = block.get("rows") or block["count"]
        if block.get("depths"):
            out["folds"] = body.take("u1", n)
            continue
        out[block["name"]] = body.take("<i2", n, 3) * scene["step"]
        if "count" in block and block["color"] is None:
            out[block["name"] + " colors"] = body.take("u1", n, 3)
    assert body.left == b""
    assert bits >> len(blocks) == 0
    return out
