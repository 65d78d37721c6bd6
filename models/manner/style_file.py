"""Style files: how a face moves in a clip, as a mean pose and four principal poses, and how a voice
moves its mouth, as 64 numbers, and others where the person shows an emotion.

A style says where its numbers come from and who agreed to it, and so does each of its emotions. It
holds no sound, no picture, and nothing of what was said.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, ValidationError
from scipy.ndimage import gaussian_filter1d

from mien.models.errors import ModelError
from mien.models.face.blendshapes import GROUPS
from mien.models.face.curves import AXES, CURVES
from mien.models.face.emotion import EMOTIONS
from mien.models.files import write_whole
from mien.models.manner.config import STYLE
from mien.models.reading.bounded import FileError
from mien.models.reading.json_file import read_json
from mien.models.reading.strict import Strict, fault_lines, listed

POSES: Final = 4
"""Principal poses of a style."""
PRINT: Final = 24
"""Numbers of a voiceprint."""
MOST_BYTES: Final = 64_000
"""Largest file of a style."""
LEAST_S: Final = 2.0
"""Shortest clip that shows a style, in s."""
CONSENTS: Final = ("given", "self", "public", "synthetic")
"""Who agreed to a style: the filmed person did, made it himself, is in the public domain, or none
was filmed."""
_MOUTH: Final = ("Smile", "Frown", "Dimple", "Stretch", "Press")
STYLED: Final = tuple(
    k
    for k, name in enumerate(CURVES)
    if name in (*GROUPS["brows"], *GROUPS["cheeks"], *GROUPS["nose"], *AXES)
    or name.startswith(("eyeBlink", "eyeWide", "eyeSquint"))
    or any(name.startswith(f"mouth{m}") for m in _MOUTH)
)
"""Curves that have a style. The others are what is said, or where somebody looks."""
TURN_WEIGHT: Final = 2.0
"""Weight of a rad beside a whole shape, where poses are compared."""
_SLOW_S: Final = 0.25
_Number = Annotated[float, Field(ge=-100.0, le=100.0)]
_Row = Annotated[tuple[_Number, ...], Field(min_length=len(STYLED), max_length=len(STYLED))]
_Old = Annotated[tuple[_Number, ...], Field(min_length=16, max_length=16)]
_Print = Annotated[tuple[_Number, ...], Field(min_length=PRINT, max_length=PRINT)]
_Row64 = Annotated[tuple[_Number, ...], Field(min_length=STYLE, max_length=STYLE)]


def _shown(name: str) -> str:
    if name not in EMOTIONS[1:]:
        raise ValueError(f"a style has no such emotion; there are {', '.join(EMOTIONS[1:])}")
    return name


class Learned(Strict):
    """What a voice told, where it comes from, and who agreed.

    Attributes:
        source, sha256: name and hash of the file that it was learned from, or of two files and the
            bytes of both.
        seconds: length of that clip or sound. consent: one of ``CONSENTS``.
        code: (64,) style of a voice (``mien.models.style.memory``).
    """

    source: Annotated[str, Field(max_length=300)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")]
    seconds: Annotated[float, Field(ge=0.0, le=1e6)]
    consent: Literal["self", "given", "public", "synthetic"]
    code: _Row64


class Style(Learned):
    """One style.

    Attributes:
        name: of the style.
        mean: (S,) curves of ``STYLED`` on average; shapes in 0..1, angles in rad.
        poses: (4, S) what one standard deviation of each principal pose adds, the largest first.
        rest: share of the spread that the four leave.
        code: zeros without a voice.
        voiceprint: (24,) by which the voice is known again; empty for none, (16,) of earlier files.
        emotions: what the same voice told in each emotion that was learned.
    """

    version: Literal[1] = 1
    kind: Literal["style"] = "style"
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    curves: Annotated[tuple[str, ...], Field(max_length=100)] = tuple(CURVES[k] for k in STYLED)
    mean: _Row
    poses: Annotated[tuple[_Row, ...], Field(min_length=POSES, max_length=POSES)]
    rest: Annotated[float, Field(ge=0.0, le=1.0)]
    code: _Row64 = (0.0,) * STYLE
    voiceprint: tuple[()] | _Old | _Print = ()
    emotions: dict[Annotated[str, AfterValidator(_shown)], Learned] = Field(default_factory=dict)

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean pose (S,)."""
        return np.array(self.mean)

    @property
    def axes(self) -> NDArray[np.float64]:
        """The principal poses (4, S)."""
        return np.array(self.poses)

    @property
    def moves(self) -> bool:
        """Whether a clip taught poses."""
        return bool(self.axes.any())

    @property
    def voice(self) -> tuple[float, ...]:
        """Style (64) of a voice; empty for none."""
        return self.code if any(self.code) else ()

    @property
    def codes(self) -> NDArray[np.float64] | None:
        """Styles (E, 64) of the voice in each of ``EMOTIONS``, where none was learned that of no
        emotion; None without a voice."""
        found = [self.emotions.get(name, self).code for name in EMOTIONS]
        return np.array(found) if self.voice else None

    @property
    def text(self) -> str:
        """JSON of the file. Without emotions it is what earlier versions wrote and read."""
        return self.model_dump_json(exclude=None if self.emotions else {"emotions"})


def analysed(
    curves: NDArray[np.floating], fps: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean (S,), principal poses (4, S), their courses (T, 4) and what they leave (T, S).

    The courses have mean 0 and variance 1, and lean to the positive side, as blinks do, so that
    poses of two clips can be compared. Mouth curves are smoothed, because speech is no style.
    """
    x = np.array(curves, np.float64)[:, list(STYLED)]
    mouth = [i for i, k in enumerate(STYLED) if CURVES[k].startswith("mouth")]
    slow = x.copy()
    slow[:, mouth] = gaussian_filter1d(x[:, mouth], _SLOW_S * fps, axis=0, mode="nearest")
    weight = np.where([CURVES[k] in AXES for k in STYLED], TURN_WEIGHT, 1.0)
    mean = slow.mean(axis=0)
    u, s, v = np.linalg.svd((slow - mean) * weight, full_matrices=False)
    count = min(POSES, len(s))
    course, poses = np.zeros((len(x), POSES)), np.zeros((POSES, x.shape[1]))
    course[:, :count] = u[:, :count] * np.sqrt(len(x))
    poses[:count] = s[:count, None] / np.sqrt(len(x)) * v[:count] / weight
    lean = np.sign((course**3).mean(axis=0))
    lean[lean == 0.0] = 1.0
    course, poses = course * lean, poses * lean[:, None]
    return mean, poses, course, x - mean - course @ poses


def learned(
    curves: NDArray[np.floating], fps: float, name: str, source: Path, consent: str
) -> Style:
    """The style of a clip.

    Args:
        curves: (T, 55). fps: their frame rate.
        name: of the style.
        source: file of the clip.
        consent: one of ``CONSENTS``.

    Raises:
        ModelError: the clip is too short or does not move, or a name or consent that is not
            allowed.
    """
    seconds = len(curves) / fps
    if seconds < LEAST_S:
        raise ModelError(
            f"{source} lasts {seconds:.1f} s; a style needs {LEAST_S:g} s, better 10 s",
            "mien style learn NAME --clip LONGER.csv",
        )
    mean, poses, course, left = analysed(curves, fps)
    spread = float(np.square(course @ poses).sum())
    if spread < 1e-6:
        raise ModelError(f"{source} does not move", "mien style learn NAME --clip TAKE.csv")
    return _made(
        name=name, source=source.name[:300], consent=consent, seconds=round(seconds, 3),
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        mean=rounded(mean), poses=tuple(map(rounded, poses)),
        rest=float(np.sqrt(np.square(left).sum() / (np.square(left).sum() + spread))),
    )  # fmt: skip


def of_voice(
    code: NDArray[np.floating], voiceprint: NDArray[np.floating], seconds: float, name: str,
    source: Path, consent: str,
    clip: tuple[Style, Path] | None = None,
) -> Style:  # fmt: skip
    """The style of a voice, with the poses of a clip if there is one.

    Args:
        code: (64,) of ``mien.models.style.memory``.
        voiceprint: (24,) of ``mien.models.style.personal``.
        seconds: length of the sound.
        name, source, consent: as in ``learned``.
        clip: style and file of the clip.

    Raises:
        ModelError: a name or consent that is not allowed.
    """
    raw, still = source.read_bytes(), (0.0,) * len(STYLED)
    told = {"mean": still, "poses": (still,) * POSES, "rest": 0.0}
    if clip is not None:
        raw += clip[1].read_bytes()
        told = {n: getattr(clip[0], n) for n in told}
    parts = (source.name, *(() if clip is None else (clip[1].name,)))
    return _made(
        name=name, source=" + ".join(parts)[:300], consent=consent, seconds=round(seconds, 3),
        sha256=hashlib.sha256(raw).hexdigest(), code=rounded(code),
        voiceprint=rounded(voiceprint), **told,
    )  # fmt: skip


def _made(**fields: Any) -> Style:
    try:
        return Style(**fields)
    except ValidationError as e:
        raise ModelError(f"this is no style:\n{listed(fault_lines(e))}", "mien style --help") from e


def save(path: Path, style: Style) -> None:
    """Write a style, whole or not at all."""
    write_whole(path, json.dumps(json.loads(style.text), sort_keys=True) + "\n")


def load(path: Path) -> Style:
    """Read a style.

    Raises:
        ModelError: it cannot be read, or is none.
    """
    try:
        style = Style.model_validate(read_json(path, MOST_BYTES))
    except OSError as e:
        raise ModelError(f"cannot read the style {path}: {e.strerror}", "mien style list") from e
    except (FileError, ValidationError) as e:
        why = e.reason if isinstance(e, FileError) else f"it is no style:\n{listed(fault_lines(e))}"
        raise FileError(path, why, f"mien style forget {path.stem}") from e
    if style.curves != Style.model_fields["curves"].default:
        raise FileError(
            path, "its curves are not those of this version", f"mien style learn {path.stem}"
        )
    return style


def rounded(row: NDArray[np.floating] | float) -> tuple[float, ...]:
    """Numbers as a file holds them."""
    return tuple(np.round(np.asarray(row, np.float64), 5).tolist())
