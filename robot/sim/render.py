"""Pictures of the simulated face: an off-screen OpenGL renderer that needs no display and no GPU
(Mesa's llvmpipe does).

All lengths are mm, right-handed, +y up; the head frame of `mien.robot.sim.head` is placed in the
world by a 4x4 transform.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import moderngl
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from mien.robot.errors import DeviceError
from mien.robot.sim.folds import Creases, drawing
from mien.robot.sim.head import Head
from mien.robot.sim.render_options import CameraView, Light
from mien.robot.sim.surfaces import SURFACES, constants, fixed, lights, mouth_light, scalp, sources

__all__ = ["CameraView", "Light", "Renderer"]

# A pixel of skin costs most where it is painted and folded, so each triangle gets the program that
# does no more than it needs. Skin comes first: it hides most of the others, which then cost little.
_FRONT = 7  # column of ``surfaces.fixed``: how far the painted picture holds
_PROGRAMS: Final = {
    "bare": ("skin", "NO_PAINT", "NO_FOLDS"),
    "smooth": ("skin", "NO_FOLDS"),
    "folded": ("skin",),
    "eye": ("eye",),
    "inside": ("inside",),
}

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
        self._creases = Creases(head)
        self._programs = {name: self._load(*shader) for name, shader in _PROGRAMS.items()}
        self._backdrop = self._load("backdrop")
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
            self._folded[self._creases.vertices] = self._creases.depth(
                vertices[self._slices["skin"]]
            )
            self._depths.write(self._folded)
            self._sort_folded()
            self._set("world_from_head", pose.T)
            self._set("clip_from_world", clip.T)
            self._set("camera", camera.position)
            self._set("mouth_light", mouth_light(self._head, vertices[self._slices["skin"]]))
            self._light(light or Light())
            self._draw()
            raw = self._resolved.read(components=3, alignment=1)
        picture = np.frombuffer(raw, np.uint8).reshape(self.height, self.width, 3)
        return np.ascontiguousarray(picture[::-1])

    def _draw(self) -> None:
        self._canvas.use()
        self._canvas.clear(depth=1.0)
        self._gl.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        for name, mesh in self._meshes.items():
            if self._counts[name]:
                mesh.render(vertices=self._counts[name])
        self._gl.disable(moderngl.CULL_FACE)
        self._gl.depth_func = "<="  # the backdrop lies as deep as a cleared pixel
        self._curtain.render(vertices=3)
        self._gl.depth_func = "<"
        self._gl.copy_framebuffer(self._resolved, self._canvas)

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
        """Give the OpenGL context back."""
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

    def _load(self, name: str, *defined: str) -> moderngl.Program:
        vertex, fragment = sources(name, *defined)
        return self._gl.program(vertex_shader=vertex, fragment_shader=fragment)

    def _buffers(self, head: Head) -> None:
        count = len(self._neutral)
        weights, replaced, finer = scalp(head)
        normals = self.normals(self._neutral)[self._slices["skin"]]
        still = (weights @ np.hstack([head.parts["skin"].vertices, normals])).astype(np.float32)
        every = [fixed(head, name) for name in head.parts] + [weights @ fixed(head, "skin")]
        self._moving = self._gl.buffer(reserve=(count + len(still)) * 24)
        self._moving.write(still.tobytes(), offset=count * 24)
        self._folded = np.zeros(count + len(still), np.float32)
        self._depths = self._gl.buffer(self._folded)
        surfaces = np.vstack(every).astype("f4")
        static = self._gl.buffer(surfaces)
        triangles: dict[str, list[NDArray[np.int32]]] = {name: [] for name in _PROGRAMS}
        for name, part in head.parts.items():
            kept = part.triangles[~replaced] if name == "skin" else part.triangles
            triangles[_first(SURFACES[name][0])].append(kept + self._slices[name].start)
        skin = np.concatenate([*triangles["bare"], finer + count]).astype(np.int32)
        painted = (surfaces[skin, _FRONT] > 0).any(axis=1)
        self._painted = skin[painted]
        triangles["bare"] = [skin[~painted]]
        triangles["smooth"] = triangles["folded"] = [self._painted]
        self._indices, self._meshes, self._counts = {}, {}, {}
        for name, program in self._programs.items():
            corners = np.concatenate(triangles[name]).astype(np.int32)
            self._indices[name] = self._gl.buffer(corners)
            self._meshes[name] = self._attach(program, static, self._indices[name])
            self._counts[name] = corners.size
        self._curtain = self._gl.vertex_array(self._backdrop, [])

    def _sort_folded(self) -> None:
        """Give painted triangles to the program without folds where none has any depth."""
        deep = (self._folded[self._painted] > 0).any(axis=1)
        for name, mine in (("smooth", ~deep), ("folded", deep)):
            corners = self._painted[mine]
            self._indices[name].write(corners)
            self._counts[name] = corners.size

    def _attach(
        self, program: moderngl.Program, static: moderngl.Buffer, indices: moderngl.Buffer
    ) -> moderngl.VertexArray:
        def fields(*names: str) -> tuple[str, list[str]]:
            """Layout of 3-float fields; those that the shader's compiler dropped are skipped
            over."""
            used = [name for name in names if name in program]
            return " ".join("3f" if name in program else "3x4" for name in names), used

        moving, moving_names = fields("position", "normal")
        fixed, fixed_names = fields("albedo", "local", "surface")
        layout = [(self._moving, moving, *moving_names), (static, fixed, *fixed_names)]
        if "crease" in program:
            layout.append((self._depths, "1f", "crease"))
        return self._gl.vertex_array(program, layout, indices)

    def _targets(self, samples: int) -> None:
        size = (self.width, self.height)
        self._canvas = self._gl.framebuffer(
            self._gl.renderbuffer(size, 4, samples=samples),
            self._gl.depth_renderbuffer(size, samples=samples),
        )
        self._resolved = self._gl.framebuffer(self._gl.renderbuffer(size, 4))

    def _constants(self, head: Head) -> None:
        for unit, (name, image) in enumerate(
            {"paint": head.paint.image, "folds": drawing(head)}.items()
        ):
            size = (image.shape[1], image.shape[0])
            texture = self._gl.texture(size, image.shape[2], image.tobytes(), alignment=1)
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            texture.repeat_x = texture.repeat_y = False
            texture.use(unit)
            self._set(name, unit)
        for name, value in constants(head).items():
            self._set(name, value)

    def _light(self, light: Light) -> None:
        for name, value in lights(light).items():
            self._set(name, value)
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


def _first(surface: str) -> str:
    """The first program that draws a surface."""
    return next(name for name, shader in _PROGRAMS.items() if shader[0] == surface)
