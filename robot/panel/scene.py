"""The face for a page, as bytes: once what it is made of, then what moved.

``scene.js`` draws it with the shaders of the film, and ``scene_bytes.js`` reads these bytes.
Little-endian throughout; every array is padded with zeros to a multiple of four bytes; lengths are
in mm, and int16 places count ``STEP_MM``.

Scene, once a page
    "MISC" | version u8 | 0 u8 x 3 | zlib( size u32 | JSON of size bytes | arrays )
    JSON: ``parts`` and ``clouds`` in their order, ``uniforms`` of the shaders, ``step``, ``paint``
    (width, height), ``backdrop``. Arrays, for each part in turn: places int16 (V, 3), unit
    normals int16 (V, 3) times 32767 where ``normals`` says so, corners u16 (T, 3), albedo
    u8 (V, 3), front and ambient u8 (V, 2), local f32 (V, 3), rows u16 (n,) of the vertices that
    move; then the paint, u8 (height, width, 4), the skin's vertices that fold, u16 (f,), and the
    drawing of the folds, u8 (height, width, 3).

Frame
    "MIFR" | version u8 | 0 u8 x 3 | CRC-32 of its scene u32 | blocks u32 | mouth_light f32 | ...
    Bit k of ``blocks`` says that block k follows. What does not follow stays as it was. Block 0 is
    the head's place f32 (3, 4). Then one for every part that moves, in their order: f32 (3, 4) for
    a rigid one, places int16 (n, 3) of its ``rows`` for a soft one. Then, where there is a skin,
    the depth of its folds u8 (f,), 255 the deepest. Then one for every cloud:
    places int16 (n, 3), and u8 (n, 3) colours where the cloud has no colour of its own.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.robot.panel.scene_arrays import STEP_MM, padded, places, rigid
from mien.robot.panel.scene_parts import Part, parts_of
from mien.robot.sim.folds import Creases, drawing
from mien.robot.sim.head import SIDES, Head
from mien.robot.sim.render_options import BACKDROP, Light
from mien.robot.sim.skin import Skin, SkinState, gaze_rotation
from mien.robot.sim.surfaces import SHUT_LIGHT, SURFACES, constants, lights, mouth_light, sources

VERSION: Final = 2
SCENE, FRAME = b"MISC", b"MIFR"
HEAD: Final = struct.Struct("<4sB3x")
FRAME_HEAD: Final = struct.Struct("<4sB3xIIf")
_SOFT: Final = ("skin", "tongue")
_LEAST_SHARE: Final = 1e-4
"""A vertex that follows its nodes less moves by less than a step."""
_JS: Final = ("scene_bytes.js", "scene_camera.js", "scene_gl.js", "scene.js")


@dataclass(frozen=True)
class Cloud:
    """Points that a page draws as dots.

    Attributes:
        name: what frames and the page call it. count: how many points there are.
        size_mm: diameter. lift_mm: how much nearer to the viewer it is drawn than it is, so that
            a skin does not cut dots that lie on it.
        color: RGB 0..255 of all of them; without one every frame brings a colour for each point.
        shown: at first.
    """

    name: str
    count: int
    size_mm: float
    lift_mm: float = 0.0
    color: tuple[int, int, int] | None = None
    shown: bool = True


class Scene:
    """What one page draws.

    Args:
        skin: of the rig whose head is shown; without one there are clouds only.

    Attributes:
        message: the scene, for every page that opens.
    """

    def __init__(self, skin: Skin | None, clouds: Sequence[Cloud]) -> None:
        self._skin = skin
        self._clouds = tuple(clouds)
        self._creases = None if skin is None else Creases(skin.head)
        self._rows: dict[str, NDArray[np.intp]] = {}
        if skin is not None:
            tongue = len(skin.head.parts["tongue"].vertices)
            self._rows = {"skin": np.flatnonzero(movable(skin)), "tongue": np.arange(tongue)}
        parts = [] if skin is None else parts_of(skin.head, self._rows)
        self._moving = [p.name for p in parts if p.rows is not None or p.rigid]
        self._folds = int(self._creases is not None)
        if 1 + len(self._moving) + self._folds + len(self._clouds) > 32:
            raise ValueError(f"{len(self._clouds)} clouds; a frame names at most 32 blocks")
        self.message = _message(skin, parts, self._clouds, self._creases)
        self._crc = zlib.crc32(self.message)

    def frame(
        self,
        state: SkinState | None = None,
        points: Mapping[str, ArrayLike] | None = None,
        colors: Mapping[str, NDArray[np.uint8]] | None = None,
    ) -> bytes:
        """What moved.

        Args:
            state: of the skin; left out, the head stays as it is.
            points: (n, 3) mm in the world by cloud; what is left out stays.
            colors: (n, 3) of the clouds without a colour.

        Numbers that are not finite are left out, and so is a cloud of another size.
        """
        blocks: list[bytes | None] = [None] * (1 + len(self._moving) + self._folds)
        light = SHUT_LIGHT
        if state is not None and self._skin is not None:
            moved = self._skin.deform(state)
            light = mouth_light(self._skin.head, moved["skin"])
            blocks = [rigid(state.head)]
            for name in self._moving:
                soft = name in _SOFT
                blocks.append(
                    places(moved[name][self._rows[name]])
                    if soft
                    else rigid(_turned(self._skin.head, name, state))
                )
            if self._creases is not None:
                blocks.append(_depths(self._creases.depth(moved["skin"])))
        for cloud in self._clouds:
            at = (points or {}).get(cloud.name)
            own = None if cloud.color else (colors or {}).get(cloud.name)
            blocks.append(None if at is None else _dots(cloud, np.asarray(at), own))
        bits = sum(1 << k for k, block in enumerate(blocks) if block is not None)
        head = FRAME_HEAD.pack(
            FRAME, VERSION, self._crc, bits, light if np.isfinite(light) else SHUT_LIGHT
        )
        return head + b"".join(block for block in blocks if block is not None)


def script() -> str:
    """The JavaScript of a page that draws scenes: the class ``FaceScene``, and its shaders."""
    shaders = {name: [_es(text) for text in sources(name)] for name in _programs()}
    shaders_json = json.dumps(shaders).replace("</", "<\\/")
    texts = [(Path(__file__).parent / name).read_text("utf-8") for name in _JS]
    return "\n".join([f"const FACE_SHADERS = {shaders_json};", *texts])


def movable(skin: Skin) -> NDArray[np.bool_]:
    """(V,) vertices of the skin that some state moves by a step or more."""
    state = SkinState.neutral(len(skin.nodes))
    rest = skin.deform(state)["skin"]
    state.jaw[:3, 3] = 1.0
    out = (skin.deform(state)["skin"] != rest).any(axis=1)
    out |= (np.abs(skin.W) > _LEAST_SHARE).any(axis=1)
    for lids in skin.lids.values():
        out[lids.vertices] = True
    return np.asarray(out)


def _message(
    skin: Skin | None, parts: Sequence[Part], clouds: Sequence[Cloud], creases: Creases | None
) -> bytes:
    head = None if skin is None else skin.head
    uniforms = {**lights(Light()), **({} if head is None else constants(head))}
    image = np.zeros((1, 1, 4), np.uint8) if head is None else head.paint.image
    folds = np.zeros((1, 1, 3), np.uint8) if head is None else drawing(head)
    rows = np.zeros(0, np.intp) if creases is None else creases.vertices
    header = {
        "step": STEP_MM,
        "parts": [part.header() for part in parts],
        "clouds": [vars(cloud) for cloud in clouds],
        "uniforms": {name: np.ravel(value).tolist() for name, value in uniforms.items()},
        "paint": [image.shape[1], image.shape[0]],
        "folds": {"rows": len(rows), "size": [folds.shape[1], folds.shape[0]]},
        "backdrop": BACKDROP,
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    arrays = [array for part in parts for array in part.arrays()]
    body = b"".join([struct.pack("<I", len(text)), text, *arrays, padded(image)])
    body += padded(rows.astype("<u2")) + padded(folds)
    return HEAD.pack(SCENE, VERSION) + zlib.compress(body, 9)


def _dots(cloud: Cloud, at: NDArray[np.floating], own: NDArray[np.uint8] | None) -> bytes | None:
    if at.shape != (cloud.count, 3):
        return None
    block = places(at)
    if cloud.color or block is None:
        return block
    if own is None or own.shape != at.shape:
        return None
    return block + padded(own.astype(np.uint8))


def _depths(depth: NDArray[np.floating]) -> bytes | None:
    if not np.isfinite(depth).all():
        return None
    return padded(np.rint(255.0 * np.clip(depth, 0.0, 1.0)).astype(np.uint8))


def _turned(head: Head, name: str, state: SkinState) -> NDArray[np.float64]:
    """Where a rigid part is (4, 4): the lower teeth with the jaw, an eye about its centre."""
    if name == "teeth_lower":
        return state.jaw
    side = name.removeprefix("eye_")
    out = np.eye(4)
    out[:3, :3] = gaze_rotation(*state.gaze[SIDES.index(side)])
    out[:3, 3] = head.eye_center[side] - out[:3, :3] @ head.eye_center[side]
    return out


def _programs() -> tuple[str, ...]:
    return ("backdrop", *dict.fromkeys(shader for shader, _ in SURFACES.values()))


def _es(text: str) -> str:
    """GLSL 3.30 as GLSL ES 3.00; the shaders keep to what both have."""
    return text.replace("#version 330", "#version 300 es\nprecision highp float;", 1)
