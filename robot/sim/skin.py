"""The skin over the mechanism: how a few moving nodes, lids, eyes and a jaw deform the whole
head. mm, head frame.

Nodes carry the skin by biharmonic weights along its surface. Lids turn rigid shells about the
eyeballs. The lower teeth, the tongue and the lining of the mouth follow the jaw; the outer skin
of the lower face follows it only through its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.biharmonic import cached_solve
from mien.robot.sim.head import SIDES, Head
from mien.robot.sim.lids import Lids, find_lids, smoothstep

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Skin that no servo reaches: scalp, ears and back of the head, base of the neck.
SCALP_Y, BACK_Z, EAR_X, NECK_Y = 80.0, -58.0, 75.0, -138.0
# Lining of the mouth: in front of LINING_Z it belongs to the lips; below FLOOR_Y it is tied to
# the jaw, above ROOF_Y to the skull.
LINING_Z, FLOOR_Y, ROOF_Y = 16.0, -80.0, -58.0
LINING = 0.5
MAX_SNAP_MM = 12.0  # an anchor further than this from any free vertex is a mistake
TONGUE_TIP, TIED = 12.0, 0.3  # mm; share of a lift that the underside follows
EYE3 = np.eye(3)
SOCKET_DEPTH = 6.0  # mm in front of the eye's centre; behind that the socket is fixed


@dataclass(frozen=True)
class Node:
    """A point of skin that the mechanism moves. anchor: (3,) mm on the neutral skin, snapped to
    the nearest vertex."""

    name: str
    anchor: F64


@dataclass
class SkinState:
    """Where everything that deforms the head is.

    nodes (K, 3): mm from neutral, head frame. lids (4,): rad, upper left, upper right, lower
        left, lower right, positive closing.
    gaze (2, 2): rad, [left, right] x [yaw positive to the face's left, pitch positive up]. jaw
    (4, 4): mm, moves the lower teeth and the tongue. tongue (3,): mm at its tip, in the jaw's
    frame. head (4, 4): mm, the neck; places the head in the world and deforms nothing.
    """

    nodes: F64
    lids: F64
    gaze: F64
    jaw: F64
    tongue: F64
    head: F64

    @classmethod
    def neutral(cls, nodes: int) -> SkinState:
        """The skin at rest, with this number of nodes."""
        return cls(
            np.zeros((nodes, 3)), np.zeros(4), np.zeros((2, 2)), np.eye(4), np.zeros(3), np.eye(4)
        )


def gaze_rotation(yaw: float, pitch: float) -> F64:
    """(3, 3): pitch up about the eye's own -x, then yaw to the face's left about +y."""
    cy, sy, cp, sp_ = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([[cy, -sy * sp_, sy * cp], [0.0, cp, sp_], [-sy, -cy * sp_, cy * cp]])


def outer_skin(head: Head) -> NDArray[np.bool_]:
    """(V,) skin that can be seen from outside with the mouth closed: neither lining of the mouth
    nor eye socket."""
    vertices = head.parts["skin"].vertices
    socket = np.zeros(len(vertices), dtype=bool)
    for center in head.eye_center.values():
        arm = vertices - center
        socket |= (np.linalg.norm(arm, axis=1) < 1.15 * head.eye_radius) & (
            arm[:, 2] < SOCKET_DEPTH
        )
    return (head.mouth < LINING) & ~socket & (head.paint.ambient > 0.03)


def immobile(head: Head) -> NDArray[np.bool_]:
    """(V,) skin that stays where it is relative to the skull."""
    x, y, z = head.parts["skin"].vertices.T
    outer = (y > SCALP_Y) | (z < BACK_Z) | (np.abs(x) > EAR_X) | (y < NECK_Y)
    lining = (head.mouth > LINING) & (z < LINING_Z) & (y > ROOF_Y)
    socket = np.zeros(len(x), dtype=bool)
    for center in head.eye_center.values():
        arm = head.parts["skin"].vertices - center
        socket |= (np.linalg.norm(arm, axis=1) < 1.2 * head.eye_radius) & (arm[:, 2] < SOCKET_DEPTH)
    return np.asarray(outer | lining | socket)


class Skin:
    """Args:
        head: the head to deform.
        nodes: the points that the mechanism moves; each takes a vertex of its own.
        cache: folder for the solved weights; the user's cache if left out.

    W (V, K) float32: how far each skin vertex follows each node.

    Raises:
        ValueError: a node is far from the skin, or lies on skin that cannot move (scalp, ears,
            neck, lids' margins).
    """

    def __init__(self, head: Head, nodes: Sequence[Node], cache: Path | None = None) -> None:
        self.head = head
        self.nodes = tuple(nodes)
        self.lids: dict[str, Lids] = {side: find_lids(head, side) for side in SIDES}
        skin = head.parts["skin"]
        self._rest = skin.vertices.astype(np.float64)
        _, y, z = self._rest.T
        jaw_bound = np.flatnonzero(
            (head.mouth > LINING) & (z < LINING_Z) & (y < FLOOR_Y) & (z > -45.0)
        )
        rims = np.concatenate([lids.rim for lids in self.lids.values()])
        fixed = np.union1d(np.flatnonzero(immobile(head)), rims)
        fixed = np.setdiff1d(fixed, jaw_bound)
        self.vertices = self._snap(head, np.concatenate([fixed, jaw_bound]))
        count = len(self.nodes)
        handles = np.concatenate([self.vertices, jaw_bound, fixed])
        values = np.zeros((len(handles), count + 1))
        values[np.arange(count), np.arange(count)] = 1.0
        values[count : count + len(jaw_bound), count] = 1.0
        weights = cached_solve(self._rest, skin.triangles, handles, values, cache)
        self.W: F32 = np.ascontiguousarray(weights[:, :count])
        self._follow_jaw = weights[:, count].astype(np.float64)
        _, height, along = head.parts["tongue"].vertices.T
        share = smoothstep((along - along.min()) / np.ptp(along))
        front = height[along > along.max() - TONGUE_TIP]
        upper = np.clip((height - front.min()) / np.ptp(front), 0.0, 1.0)
        # Its underside is tied to the floor of the mouth and rises less than its back.
        lift = share * (TIED + (1.0 - TIED) * upper)
        self._tongue_share = np.stack([share, lift, share], axis=1)
        self._prepare_landmarks()

    def _snap(self, head: Head, taken: NDArray[np.int64]) -> NDArray[np.int64]:
        """(K,) for each node in turn the nearest vertex of the outer skin that can move and has
        no node yet."""
        free = outer_skin(head)
        blocked = np.zeros(len(free), dtype=bool)
        blocked[taken] = True
        candidates = np.flatnonzero(free)
        chosen: list[int] = []
        for node in self.nodes:
            distance = np.linalg.norm(
                self._rest[candidates] - np.asarray(node.anchor, dtype=np.float64), axis=1
            )
            if blocked[candidates[distance.argmin()]]:
                raise ValueError(f"node {node.name} at {node.anchor} lies on skin that cannot move")
            distance[np.isin(candidates, chosen) | blocked[candidates]] = np.inf
            if distance.min() > MAX_SNAP_MM:
                raise ValueError(
                    f"node {node.name} is {distance.min():.1f} mm from the skin, "
                    f"at most {MAX_SNAP_MM} allowed"
                )
            chosen.append(int(candidates[distance.argmin()]))
        return np.array(chosen, dtype=np.int64)

    def deform(self, state: SkinState) -> dict[str, F32]:
        """All moving parts, each (V, 3) float32 mm in the head frame (`state.head` is not
        applied)."""
        head = self.head
        jaw, shift = state.jaw[:3, :3], state.jaw[:3, 3]
        moved = self._rest + self.W @ np.asarray(state.nodes, dtype=np.float32)
        moved += self._follow_jaw[:, None] * (self._rest @ (jaw - np.eye(3)).T + shift)
        out: dict[str, F32] = {}
        for row, side in enumerate(SIDES):
            lids = self.lids[side]
            moved[lids.vertices] += lids.shift(float(state.lids[row]), float(state.lids[row + 2]))
            ball, center = head.parts[f"eye_{side}"].vertices, head.eye_center[side]
            turned = (ball - center) @ gaze_rotation(*state.gaze[row]).T + center
            out[f"eye_{side}"] = turned.astype(np.float32)
        out["skin"] = moved.astype(np.float32)
        out["teeth_lower"] = (head.parts["teeth_lower"].vertices @ jaw.T + shift).astype(np.float32)
        tongue = head.parts["tongue"].vertices + self._tongue_share * state.tongue
        out["tongue"] = (tongue @ jaw.T + shift).astype(np.float32)
        return out

    def landmarks(self, state: SkinState) -> F64:
        """(478, 3) mm in the head frame: the same points as `head.landmarks(deform(state))`,
        without the rest of the skin."""
        drive = self._drive
        count = len(self.nodes)
        drive[:count] = state.nodes
        np.subtract(state.jaw[:3, :3].T, EYE3, out=drive[count : count + 3])
        drive[count + 3] = state.jaw[:3, 3]
        points = self._landmark_carry @ drive
        points += self._landmark_rest
        left = self.lids["left"].clamp(state.lids[0], state.lids[2])
        right = self.lids["right"].clamp(state.lids[1], state.lids[3])
        angle = self._lid_fields @ np.array((left[0], right[0], left[1], right[1]))
        sine, versine = np.sin(angle), np.cos(angle) - 1.0
        lidded = points[self._lid_rows]
        lidded[:, 1] += (versine * self._lid_y + sine * self._lid_z).sum(axis=0)
        lidded[:, 2] += (versine * self._lid_z - sine * self._lid_y).sum(axis=0)
        points[self._lid_rows] = lidded
        for index, (rows, arms, center) in enumerate(self._irises):
            points[rows] = arms @ gaze_rotation(*state.gaze[index]).T + center
        return points

    def _prepare_landmarks(self) -> None:
        """Restrict every field to the landmarks."""
        head = self.head
        on_skin = np.flatnonzero(head.landmark_part == head.part_names.index("skin"))
        gather = np.zeros((len(head.landmark_part), len(self._rest)))
        gather[on_skin[:, None], head.landmark_triangle[on_skin]] = head.landmark_bary[on_skin]
        self._landmark_rest = head.neutral_landmarks.copy()
        # One product does nodes and jaw: columns for the nodes, then for (J - 1) rest + shift.
        arms = (gather * self._follow_jaw) @ self._rest
        share = gather @ self._follow_jaw
        self._landmark_carry = np.hstack([gather @ self.W.astype(np.float64), arms, share[:, None]])
        self._drive = np.zeros((len(self.nodes) + 4, 3))
        self._prepare_lids(on_skin)
        self._irises: list[tuple[slice, F64, F64]] = []
        for side in SIDES:
            rows = np.flatnonzero(head.landmark_part == head.part_names.index(f"eye_{side}"))
            span = slice(int(rows[0]), int(rows[-1]) + 1)
            center = head.eye_center[side]
            self._irises.append((span, head.neutral_landmarks[span] - center, center))

    def _prepare_lids(self, on_skin: NDArray[np.int64]) -> None:
        """For landmarks on triangles that lids move: fields (3, n, 4) at the corners, and the
        corners' y and z from the eye's centre times their barycentric weights (3, n)."""
        head = self.head
        fields = np.zeros((len(self._rest), 4))
        arms = np.zeros_like(self._rest)
        for index, side in enumerate(SIDES):
            lids = self.lids[side]
            fields[lids.vertices, index], fields[lids.vertices, index + 2] = -lids.upper, lids.lower
            arms[lids.vertices] = lids.arm
        corners = head.landmark_triangle[on_skin]
        moved = np.abs(fields[corners]).sum(axis=(1, 2)) > 0
        self._lid_rows, corners = on_skin[moved], corners[moved].T
        bary = head.landmark_bary[self._lid_rows].T
        self._lid_fields = np.ascontiguousarray(fields[corners])
        self._lid_y, self._lid_z = bary * arms[corners][..., 1], bary * arms[corners][..., 2]
