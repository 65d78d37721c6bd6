"""Write ../../faces/face_units.npz: where the 52 ARKit shapes put the landmarks of this head, mm
at weight 1.

They define targets only; the simulated rig moves by its mechanism. See make_head.py for the
command.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.head import LANDMARKS, Head, load_head
from tests.paths import ROOT
from tests.tools.head_assets import shape
from tests.tools.head_assets.fit_landmarks import IRIS_FIRST
from tests.tools.head_assets.mpfb import face_units, read_base, save

OUT = ROOT / "robot" / "faces" / "face_units.npz"

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def skin_units(data: Path, body: shape.HeadShape, groups: Mapping[str, I64]) -> dict[str, F64]:
    """Displacement fields of the face units: skin (V, 3), and the eyes' rotations stacked under
    it (2, 3) rad (left, right)."""
    out = {}
    for name, delta in face_units(data, body.pick.shape[1]).items():
        turn = np.zeros((2, 3))
        for row, side in enumerate("lr"):
            ids = np.unique(groups[f"helper-{side}-eye"])
            ball = body.all_vertices[ids]
            arm, motion = ball - ball.mean(axis=0), delta[ids] - delta[ids].mean(axis=0)
            # Least squares of motion = turn x arm.
            inertia = np.eye(3) * (arm**2).sum() - arm.T @ arm
            turn[row] = np.linalg.solve(inertia, np.cross(arm, motion * body.scale).sum(axis=0))
        out[name] = np.concatenate([body.pick @ delta, turn])
    return out


def units_at_landmarks(head: Head, fields: dict[str, F64]) -> F64:
    """(units, 478, 3) mm."""
    neutral = head.neutral_landmarks
    delta = np.zeros((len(fields), LANDMARKS, 3))
    skin = head.landmark_part == head.part_names.index("skin")
    for row, field in enumerate(fields.values()):
        moved = field[:-2][head.landmark_triangle[skin]]
        delta[row, skin] = np.einsum("kc,kcx->kx", head.landmark_bary[skin], moved)
        for turn, side in zip(field[-2:], ("left", "right"), strict=True):
            rows = slice(IRIS_FIRST[side], IRIS_FIRST[side] + 5)
            angle = float(np.linalg.norm(turn))
            if angle > 1e-3:
                arm, axis = neutral[rows] - head.eye_center[side], turn / angle
                turned = arm * np.cos(angle) + np.cross(axis, arm) * np.sin(angle)
                delta[row, rows] = turned + np.outer(arm @ axis, axis) * (1 - np.cos(angle)) - arm
    return delta


def main(data: Path) -> None:
    base, head = read_base(data), load_head()
    fields = skin_units(data, shape.neutral_head(data, base), base.triangles)
    delta = units_at_landmarks(head, fields)
    for name, size in zip(fields, np.linalg.norm(delta, axis=2).max(axis=1), strict=True):
        print(f"{name:20s} moves a landmark up to {size:5.1f} mm")
    arrays = {
        "neutral": head.neutral_landmarks.astype(np.float32),
        "delta": delta.astype(np.float32),
    }
    save(OUT, {"names": np.array(list(fields)), **arrays})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
