"""Pictures of the simulated face: an off-screen OpenGL renderer that needs no display and no GPU
(Mesa's llvmpipe does).

All lengths are mm, right-handed, +y up; the head frame of `robot.sim.head` is placed in the world
by a 4x4 transform.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import moderngl
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from robot.errors import DeviceError
from robot.sim.head import Head
from robot.sim.refine import refine
from robot.sim.skin import BACK_Z, SCALP_Y
from robot.sim.view import CameraView, Light

__all__ = ["CameraView", "Light", "Renderer"]

SHADERS = Path(__file__).parent / "shaders"
# Which shader draws a part, and the material it tells apart. Skin comes first: it hides most of
# the others, which then cost little.
SURFACES = {
    "skin": ("skin", 0),
    "eye_left": ("eye", 0),
    "eye_right": ("eye", 0),
    "teeth_upper": ("inside", 0),
    "teeth_lower": ("inside", 0),
    "tongue": ("inside", 1),
    "collar": ("inside", 2),
}
INNER_LIPS = (13, 14)  # landmarks in the middle of both lips; the skin's vertices come first
WIDE_OPEN_MM = 14.0
IRIS_MM = (2.3, 6.1, 6.7)  # radii of pupil, iris and the limbus's soft outer edge

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Renderer:
    """Draws the parts of one head.

    Raises:
        DeviceError: this machine has no OpenGL 3.3, hardware or software.
    """

    def __init__(self, head: Head, width: int = 640, height: int = 480, samples: int = 4) -> None:
        self.width, self.height = width, height
        self._head = head
        try:
            self._gl = moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
        except Exception as error:  # glcontext raises bare Exceptions
            raise DeviceError(
                f"no OpenGL 3.3 for off-screen rendering: {error}",
                hint="apt-get install -y libegl1 libgl1 libgl1-mesa-dri",
            ) from error
        self._slices = self._layout(head)
        lights = (SHADERS / "light.glsl").read_text()
        self._programs = {
            "skin": self._load("skin", "skin"),
            "eye": self._load("inner", "eye", lights),
            "inside": self._load("inner", "inside", lights),
        }
        self._backdrop = self._load("backdrop", "backdrop")
        self._buffers(head)
        self._targets(min(samples, self._gl.max_samples))
        self._constants(head)

    def render(
        self,
        parts: Mapping[str, NDArray[np.floating]] | None = None,
        head: ArrayLike | None = None,
        camera: CameraView | None = None,
        light: Light | None = None,
    ) -> NDArray[np.uint8]:
        """One picture (height, width, 3) uint8 RGB.

        Args:
            parts: (V, 3) mm in the head frame by part name; parts left out stay neutral.
            head: 4x4 pose of the head in the world, mm; identity if left out.
        """
        camera = camera or CameraView()
        vertices = self._neutral.copy()
        for name, moved in (parts or {}).items():
            vertices[self._slices[name]] = moved
        pose = np.eye(4) if head is None else np.asarray(head, dtype=np.float64)
        clip = camera.projection(self.width, self.height) @ camera.world_to_camera()
        surface = np.hstack([vertices, self.normals(vertices)])
        with self._gl:  # other renderers of this process have contexts of their own
            self._moving.write(surface)
            self._set("world_from_head", pose.T)
            self._set("clip_from_world", clip.T)
            self._set("camera", camera.position)
            self._set("mouth_light", self._mouth_light(vertices))
            self._light(light or Light())
            self._draw()
            raw = self._resolved.read(components=3, alignment=1)
        picture = np.frombuffer(raw, np.uint8).reshape(self.height, self.width, 3)
        return np.ascontiguousarray(picture[::-1])

    def _draw(self) -> None:
        self._canvas.use()
        self._canvas.clear(depth=1.0)
        self._gl.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._curtain.render(vertices=3)
        self._gl.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        for mesh in self._meshes:
            mesh.render()
        self._gl.copy_framebuffer(self._resolved, self._canvas)

    def _mouth_light(self, vertices: F32) -> float:
        """Share of the light that comes in between the lips."""
        upper, lower = (
            float(self._head.landmark_bary[k] @ vertices[self._head.landmark_triangle[k], 1])
            for k in INNER_LIPS
        )
        return float(np.interp(upper - lower, (0.0, WIDE_OPEN_MM), (0.45, 1.0)))

    def normals(self, vertices: F32) -> F32:
        """Area-weighted unit normals (V, 3) of all parts' vertices (V, 3), in the renderer's
        order."""
        a, b, c = (vertices[corner] for corner in self._corners)
        u, v = b - a, c - a
        faces = np.empty_like(u)
        for k in range(3):  # np.cross is several times slower
            i, j = (k + 1) % 3, (k + 2) % 3
            faces[:, k] = u[:, i] * v[:, j] - u[:, j] * v[:, i]
        sums = np.asarray(self._gather @ faces, dtype=np.float32)
        lengths = np.sqrt(np.einsum("vx,vx->v", sums, sums))
        return np.asarray(sums / np.maximum(lengths, 1e-12)[:, None], dtype=np.float32)

    def close(self) -> None:
        self._gl.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _layout(self, head: Head) -> dict[str, slice]:
        starts = np.cumsum([0, *(len(part.vertices) for part in head.parts.values())])
        triangles = np.concatenate(
            [
                part.triangles + start
                for part, start in zip(head.parts.values(), starts, strict=False)
            ]
        )
        self._neutral = np.concatenate([part.vertices for part in head.parts.values()])
        self._corners = [np.ascontiguousarray(triangles[:, k]) for k in range(3)]
        count = len(triangles)
        where = (triangles.T.ravel(), np.tile(np.arange(count), 3))
        self._gather = sp.csr_matrix(
            (np.ones(3 * count, np.float32), where), shape=(len(self._neutral), count)
        )
        return {name: slice(starts[k], starts[k + 1]) for k, name in enumerate(head.parts)}

    def _load(self, vertex: str, fragment: str, prefix: str = "") -> moderngl.Program:
        return self._gl.program(
            vertex_shader=(SHADERS / f"{vertex}.vert.glsl").read_text(),
            fragment_shader=prefix + (SHADERS / f"{fragment}.frag.glsl").read_text(),
        )

    def _still(self, head: Head) -> tuple[F32, F32, NDArray[np.bool_], NDArray[np.int32]]:
        """Scalp and back of the head never move and are seen in outline, so they get a finer mesh.

        Returns its vertices and normals (n, 6), its fixed columns (n, 9) like `_fixed`, which skin
        triangles it stands for (T,), and its own triangles.
        """
        skin = head.parts["skin"]
        still = (skin.vertices[:, 1] > SCALP_Y) | (skin.vertices[:, 2] < BACK_Z)
        chosen = np.asarray(still[skin.triangles].all(axis=1))
        weights, triangles = refine(len(skin.vertices), skin.triangles[chosen])
        rows = self._slices["skin"]
        normals = self.normals(self._neutral)[rows]
        moving = weights @ np.hstack([skin.vertices, normals])
        return moving.astype(np.float32), weights @ self._fixed(head)[rows], chosen, triangles

    def _fixed(self, head: Head) -> F32:
        """(V, 9): albedo 3, local 3, material, front, ambient of every vertex."""
        fixed = np.zeros((len(self._neutral), 9), dtype=np.float32)
        fixed[:, 8] = 1.0
        for name, part in head.parts.items():
            rows = fixed[self._slices[name]]
            rows[:, :3] = part.colors
            rows[:, 6] = SURFACES[name][1]
            if name == "skin":
                rows[:, 3:5] = head.paint.coords
                rows[:, 7], rows[:, 8] = head.paint.front, head.paint.ambient
            elif name.startswith("eye_"):
                center = head.eye_center[name.removeprefix("eye_")]
                rows[:, 3:6] = (part.vertices - center) / head.eye_radius
        return fixed

    def _buffers(self, head: Head) -> None:
        count = len(self._neutral)
        still, still_fixed, replaced, finer = self._still(head)
        self._moving = self._gl.buffer(reserve=(count + len(still)) * 24)
        self._moving.write(still.tobytes(), offset=count * 24)
        static = self._gl.buffer(np.vstack([self._fixed(head), still_fixed]).astype("f4").tobytes())
        self._meshes = []
        for shader, program in self._programs.items():
            triangles = []
            for name, part in head.parts.items():
                if SURFACES[name][0] == shader:
                    kept = part.triangles[~replaced] if name == "skin" else part.triangles
                    triangles.append(kept + self._slices[name].start)
            if shader == "skin":
                triangles.append(finer + count)
            self._meshes.append(
                self._attach(program, static, np.concatenate(triangles).astype(np.int32))
            )
        self._curtain = self._gl.vertex_array(self._backdrop, [])

    def _attach(
        self, program: moderngl.Program, static: moderngl.Buffer, triangles: NDArray[np.int32]
    ) -> moderngl.VertexArray:
        def fields(*names: str) -> tuple[str, list[str]]:
            """Layout of 3-float fields; those that the shader's compiler dropped are skipped
            over."""
            used = [name for name in names if name in program]
            return " ".join("3f" if name in program else "3x4" for name in names), used

        moving, moving_names = fields("position", "normal")
        fixed, fixed_names = fields("albedo", "local", "surface")
        layout = [(self._moving, moving, *moving_names), (static, fixed, *fixed_names)]
        return self._gl.vertex_array(program, layout, self._gl.buffer(triangles.tobytes()))

    def _targets(self, samples: int) -> None:
        size = (self.width, self.height)
        self._canvas = self._gl.framebuffer(
            self._gl.renderbuffer(size, 4, samples=samples),
            self._gl.depth_renderbuffer(size, samples=samples),
        )
        self._resolved = self._gl.framebuffer(self._gl.renderbuffer(size, 4))

    def _constants(self, head: Head) -> None:
        image = head.paint.image
        texture = self._gl.texture(
            (image.shape[1], image.shape[0]), image.shape[2], image.tobytes(), alignment=1
        )
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        texture.use(0)
        self._set("paint", 0)
        self._set("paint_extent", head.paint.extent)
        self._set("eye_x", head.eye_center["left"][0])
        self._set("iris", np.array(IRIS_MM) / head.eye_radius)
        teeth = head.parts["teeth_upper"].vertices[:, 2]
        self._set("mouth_depth", (float(teeth.min()) - 8.0, float(teeth.max()) - 14.0))

    def _light(self, light: Light) -> None:
        for name in ("key", "fill", "rim"):
            direction = np.asarray(getattr(light, name), dtype=np.float64)
            self._set(f"{name}_direction", direction / np.linalg.norm(direction))
            self._set(f"{name}_color", np.asarray(getattr(light, f"{name}_color")) * light.level)
        self._set("sky", np.asarray(light.sky) * light.level)
        self._set("ground", np.asarray(light.ground) * light.level)
        self._backdrop["backdrop"].value = light.backdrop  # type: ignore[union-attr]

    def _set(self, name: str, value: Any) -> None:
        """Set a uniform in every shader that has it."""
        raw = value if isinstance(value, int) else np.asarray(value, dtype=np.float32).tobytes()
        for program in self._programs.values():
            uniform = program.get(name, None)
            if isinstance(uniform, moderngl.Uniform):
                if isinstance(raw, int):
                    uniform.value = raw
                else:
                    uniform.write(raw)
