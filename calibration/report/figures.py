"""The figures of a calibration's report, each a function that draws into an empty figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import matplotlib
import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.verify.hysteresis import predict_held
from mien.calibration.verify.results import Verdict
from mien.models.face.blendshapes import ARKIT
from mien.models.face.regions import CHEEKS, NOSE
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import Retarget, limits_of

matplotlib.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

Draw: TypeAlias = Callable[[Figure], None]
OURS, OTHER, FAINT = "#1f5fa8", "#c8641e", "#9aa7b4"
_METHODS = {
    "self_model": ("self-model", OURS),
    "ridge": ("linear ridge", "#2f8f5b"),
    "direct": ("direct network", "#8a5bb5"),
    "nearest": ("nearest neighbour", OTHER),
}


@dataclass(frozen=True)
class Plot:
    """One figure.

    Attributes:
        title: what it shows.
        text: how to read it.
        draw: draws it.
        size: inches; a page is at most 8 wide.
    """

    title: str
    text: str
    draw: Draw
    size: tuple[float, float] = (7.0, 4.4)


def plots(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    verdict: Verdict,
    before: SelfModel | None = None,
) -> list[Plot]:
    """All that can be drawn. ``before``: what was believed of this face until then."""
    out = [
        Plot(
            "Before and after: error on the face",
            "Mean distance between prediction and camera at held-out poses, for each landmark. "
            + (
                "Before: the model that ships with this design, made on another robot. "
                if before is not None
                else "Before: a face that never moves, for nothing was known of this one. "
            )
            + "What is left after it is mostly the camera's own noise.",
            lambda f: _before_and_after(f, data, model, before),
            (8.0, 4.6),
        ),
        Plot(
            "Faces shown again",
            "Held-out faces were asked for, and each method's commands were sent to the robot. "
            "Further left is better.",
            lambda f: _methods(f.add_subplot(), verdict),
        ),
    ]
    if "self_model_sent" in verdict.arrays:
        out += [
            Plot(
                "Commanded against reached",
                "Each dot is one actuator in one held-out face: the command that made the face, "
                "and the one that the inverse found for it. On the line they are the same.",
                lambda f: _reached(f, face, model, verdict),
                (8.0, 5.2),
            ),
            Plot(
                "How far the commands are from those asked",
                "Mean over the held-out faces. Pale: hidden from the camera so far that no method "
                "could find the command from one look; they do not count in command_l1.",
                lambda f: _commands(f.add_subplot(), face, model, verdict),
                (7.0, 0.17 * len(model.inputs) + 1.2),
            ),
        ]
    out.append(
        Plot(
            "What this face can show of each ARKit shape",
            "Share of the motion that a human face makes for the shape. No bar: the shape moves "
            "no landmark, so that a camera can say nothing of it.",
            lambda f: _reach(f, face, model),
            (8.0, 5.6),
        )
    )
    if len(model.tendons) and data.of("loop").any():
        out.append(
            Plot(
                "Strings up and down",
                "All strings pulled together and let go, whole and half way. A loop is friction; "
                "the flat start is slack.",
                lambda f: _loops(f, data, model),
                (8.0, 4.0),
            )
        )
    if "curve" in verdict.metrics:
        out.append(
            Plot(
                "Error against number of poses",
                "Held-out error of quick fits to some of the poses; the last is all of them.",
                lambda f: _curve(f.add_subplot(), verdict),
            )
        )
    out.append(
        Plot(
            "Loss of the fit",
            "Share of the motion's variance not explained yet, the camera's noise included.",
            lambda f: _loss(f.add_subplot(), model),
        )
    )
    return out


def _before_and_after(
    figure: Figure, data: Dataset, model: SelfModel, before: SelfModel | None
) -> None:
    held = data.landmarks[data.held]
    rest = data.landmarks[data.of("neutral")].mean(0)
    known = rest if before is None else predict_held(before, data)
    errors = [
        np.linalg.norm(said - held, axis=-1).mean(0) for said in (known, predict_held(model, data))
    ]
    top = float(np.max(errors))
    axes = figure.subplots(1, 2, sharey=True)
    for axis, error, name in zip(axes, errors, ("before", "after"), strict=True):
        dots = axis.scatter(
            rest[:, 0], rest[:, 1], c=error, s=13, vmin=0.0, vmax=top, cmap="magma_r"
        )
        axis.set_aspect("equal")
        axis.set_facecolor("#eef1f4")
        axis.set_title(f"{name}: {error.mean():.2f} mm")
        axis.set_xlabel("mm; the face's left is right")
    axes[0].set_ylabel("mm")
    figure.colorbar(dots, ax=axes, label="mean error, mm", shrink=0.85)


def _loss(axes: Axes, model: SelfModel) -> None:
    loss = 100 * np.array(model.meta.get("loss", [np.nan]))
    axes.semilogy(np.linspace(0, 100, len(loss)), loss, color=OURS)
    _plain(axes.yaxis)
    axes.set_xlabel("% of the steps")
    axes.set_ylabel("% unexplained")
    axes.grid(alpha=0.3)


def _curve(axes: Axes, verdict: Verdict) -> None:
    curve: dict[str, float] = verdict.metrics["curve"]
    counts = sorted(int(n) for n in curve)  # JSON sorts them as words
    errors = [curve[str(n)] for n in counts]
    axes.plot(counts, errors, "o-", color=OURS, label="held-out error")
    for n, error in zip(counts, errors, strict=True):
        axes.annotate(
            f"{error:.2f}", (n, error), (0, 7), textcoords="offset points", ha="center", fontsize=9
        )
    floor = verdict.metrics.get("noise_floor_mm")
    if floor is not None:
        axes.axhline(floor, ls="--", color=OTHER, label="the camera's noise at rest")
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(n) for n in counts], rotation=45)
    axes.minorticks_off()
    axes.margins(y=0.15)
    axes.set_xlabel("poses learned from")
    axes.set_ylabel("RMS error, mm")
    axes.grid(alpha=0.3)
    axes.legend()


def _methods(axes: Axes, verdict: Verdict) -> None:
    for key, (name, color) in _METHODS.items():
        share = verdict.arrays.get(f"{key}_pct")
        if share is not None and len(share):
            at = np.linspace(0, 100, len(share))
            axes.plot(np.sort(share), at, label=f"{name}: {share.mean():.2f} %", color=color)
    axes.set_xlim(left=0)
    axes.set_xlabel("mean landmark error, % of mouth width")
    axes.set_ylabel("% of the faces below")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _reached(figure: Figure, face: FaceConfig, model: SelfModel, verdict: Verdict) -> None:
    regions = list(dict.fromkeys(face.actuators[face.names[i]].region for i in model.inputs))
    asked, sent = verdict.arrays["asked_sent"], verdict.arrays["self_model_sent"]
    columns = min(3, len(regions))
    rows = -(-len(regions) // columns)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, region in zip(axes.flat, regions, strict=False):
        at = [i for i in model.inputs if face.actuators[face.names[i]].region == region]
        axis.plot([-1, 1], [-1, 1], color=FAINT, lw=1)
        axis.plot(asked[:, at].ravel(), sent[:, at].ravel(), ".", ms=2.5, color=OURS, alpha=0.5)
        axis.set_title(region)
        axis.set_aspect("equal")
        axis.set_xlim(-1.08, 1.08)
        axis.set_ylim(-1.08, 1.08)
        axis.set_xticks([-1, 0, 1])
        axis.set_yticks([-1, 0, 1])
    for axis in axes.flat[len(regions) :]:
        axis.set_visible(False)
    figure.supxlabel("command that was asked", fontsize=11)
    figure.supylabel("command that was found", fontsize=11)


def _commands(axes: Axes, face: FaceConfig, model: SelfModel, verdict: Verdict) -> None:
    low, high = face.limits[model.inputs].T
    off = np.abs(verdict.arrays["self_model_sent"] - verdict.arrays["asked_sent"])[:, model.inputs]
    hidden = set(str(verdict.metrics.get("not_identifiable", "")).split(", "))
    names = [face.names[i] for i in model.inputs]
    colors = [FAINT if n in hidden else OURS for n in names]
    axes.barh(range(len(names)), 100 * (off / (high - low)).mean(0), color=colors)
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("mean distance, % of the range")
    axes.grid(axis="x", alpha=0.3)


def _reach(figure: Figure, face: FaceConfig, model: SelfModel) -> None:
    """Two columns: 52 names are too many for one."""
    reach = Retarget(model, limits_of(face)).reach
    share = 100 * reach.overall * reach.shown.any(1)
    half = -(-len(ARKIT) // 2)
    for axis, part in zip(figure.subplots(1, 2), (slice(0, half), slice(half, None)), strict=True):
        names = ARKIT[part]
        axis.barh(range(len(names)), share[part], color=OURS)
        axis.set_yticks(range(len(names)), names, fontsize=9)
        axis.invert_yaxis()
        axis.margins(y=0.01)
        axis.set_xlim(0, 100)
        axis.set_xlabel("% shown")
        axis.grid(axis="x", alpha=0.3)


def _loops(figure: Figure, data: Dataset, model: SelfModel) -> None:
    """Motion along the direction of a full pull: the camera's noise averages out of it."""
    rows = data.of("loop")
    u = data.commands[rows][:, model.inputs[model.tendons]].max(1)
    rest = data.landmarks[data.of("neutral")].mean(0)
    said = model.sequence(data.commands)[rows] - model.landmarks(np.zeros(model.n))
    zones = (("nose", list(NOSE)), ("cheeks", list(CHEEKS)))
    for axis, (name, zone) in zip(figure.subplots(1, 2), zones, strict=True):
        way = said[u.argmax()][zone]
        way = way / max(float(np.linalg.norm(way)), 1e-9)
        scale = 1.0 / np.sqrt(len(zone))

        def along(moved: Floats, zone: list[int] = zone, way: Floats = way) -> Floats:
            return np.asarray((moved[:, zone] * way).sum((1, 2)))

        seen = along(data.landmarks[rows] - rest) * scale
        axis.plot(u, seen, "o", ms=4, color=OTHER, label="seen")
        axis.plot(u, along(said) * scale, "-", lw=1.2, color=OURS, label="model")
        axis.set_title(name)
        axis.set_xlabel("command")
        axis.set_ylabel("motion along the pull, RMS mm")
        axis.grid(alpha=0.3)
        axis.legend()


def _plain(axis: matplotlib.axis.Axis) -> None:
    """Numbers as people write them on a logarithmic axis."""
    for setter in (axis.set_major_formatter, axis.set_minor_formatter):
        setter(ScalarFormatter())
