"""What the parts of a head are drawn with, on film and in a browser: shaders, constants, lights
and the finer mesh of what never moves. No OpenGL in here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from mien.robot.sim.head import Head
from mien.robot.sim.refine import refine
from mien.robot.sim.render_options import Light
from mien.robot.sim.skin import BACK_Z, SCALP_Y

SHADERS: Final = Path(__file__).parent / "shaders"
# Which shader draws a part, and the material that it distinguishes. Skin comes first: it hides most
# of the others, which then cost little.
SURFACES: Final = {
    "skin": ("skin", 0),
    "eye_left": ("eye", 0),
    "eye_right": ("eye", 0),
    "teeth_upper": ("inside", 0),
    "teeth_lower": ("inside", 0),
    "tongue": ("inside", 1),
    "collar": ("inside", 2),
    "dots": ("skin", 0),
}
_STAGES: Final = {
    "skin": ("skin", "", "skin"),
    "eye": ("inner", "light", "eye"),
    "inside": ("inner", "light", "inside"),
    "backdrop": ("backdrop", "", "backdrop"),
}
IRIS_MM: Final = (2.3, 6.1, 6.7)  # radii of pupil, iris and the limbus's soft outer edge
INNER_LIPS: Final = (13, 14)  # landmarks in the middle of both lips, on the skin
WIDE_OPEN_MM: Final = 14.0
SHUT_LIGHT: Final = 0.6  # share of the light that comes in between shut lips

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


def sources(name: str, *defined: str) -> tuple[str, str]:
    """GLSL 3.30 of the vertex and the fragment shader called ``name``.

    Args:
        name: of a surface, or ``backdrop``.
        defined: macros of the fragment shader, which leave out what a part of a mesh does not need.
    """
    vertex, prefix, fragment = _STAGES[name]
    before = (SHADERS / f"{prefix}.glsl").read_text() if prefix else ""
    version, rest = (before + (SHADERS / f"{fragment}.frag.glsl").read_text()).split("\n", 1)
    macros = [f"#define {macro}" for macro in defined]
    return (
        (SHADERS / f"{vertex}.vert.glsl").read_text(),
        "\n".join([version, *macros, rest]),
    )


def constants(head: Head) -> dict[str, F64]:
    """Uniforms that belong to a head, by name."""
    teeth = head.parts["teeth_upper"].vertices[:, 2]
    return {
        "paint_extent": head.paint.extent,
        "eye_x": head.eye_center["left"][:1],
        "iris": np.array(IRIS_MM) / head.eye_radius,
        "mouth_depth": np.array((float(teeth.min()), float(teeth.max()) + 1.0)),
        "lip_shade": np.array((float(head.neutral_landmarks[INNER_LIPS[0], 1]) + 5.0, 8.0)),
    }


def lights(light: Light) -> dict[str, F64]:
    """Uniforms (3,) of a light, by name; unit directions, linear RGB."""
    out = {}
    for name in ("key", "fill", "rim"):
        direction = np.asarray(getattr(light, name), dtype=np.float64)
        out[f"{name}_direction"] = direction / np.linalg.norm(direction)
        out[f"{name}_color"] = np.asarray(getattr(light, f"{name}_color")) * light.level
    out["sky"] = np.asarray(light.sky) * light.level
    out["ground"] = np.asarray(light.ground) * light.level
    return out


def mouth_light(head: Head, skin: NDArray[np.floating]) -> float:
    """Share of the light that comes in between the lips of a skin (V, 3) mm."""
    upper, lower = (
        float(head.landmark_bary[k] @ skin[head.landmark_triangle[k], 1]) for k in INNER_LIPS
    )
    return float(np.interp(upper - lower, (0.0, WIDE_OPEN_MM), (SHUT_LIGHT, 1.0)))


def fixed(head: Head, name: str) -> F32:
    """(V, 9) of a part's vertices: albedo 3, local 3, material, front, ambient."""
    part = head.parts[name]
    rows = np.zeros((len(part.vertices), 9), dtype=np.float32)
    rows[:, 8] = 1.0
    rows[:, :3] = part.colors
    rows[:, 6] = SURFACES[name][1]
    if name == "skin":
        rows[:, 3:5] = head.paint.coords
        rows[:, 7], rows[:, 8] = head.paint.front, head.paint.ambient
    elif name.startswith("eye_"):
        center = head.eye_center[name.removeprefix("eye_")]
        rows[:, 3:6] = (part.vertices - center) / head.eye_radius
    return rows


def scalp(head: Head) -> tuple[sp.csr_matrix, NDArray[np.bool_], NDArray[np.int32]]:
    """Scalp and back of the head never move and are seen in outline, so they get a finer mesh.

    Returns: the weights (n, V) that make its vertices, and what belongs to them, from the skin's;
        which skin triangles it stands for (T,); its own triangles (m, 3).
    """
    skin = head.parts["skin"]
    still = (skin.vertices[:, 1] > SCALP_Y) | (skin.vertices[:, 2] < BACK_Z)
    chosen = np.asarray(still[skin.triangles].all(axis=1))
    weights, triangles = refine(len(skin.vertices), skin.triangles[chosen])
    return weights, chosen, triangles
