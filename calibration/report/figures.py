"""The figures of a calibration's report. Each is a function that draws into an empty figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import matplotlib
import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.verify.hysteresis_check import predict_held
from mien.calibration.verify.results import VerificationResults
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
        title: of the figure.
        text: caption.
        draw: draws it.
        size: (width, height) in inches; a page is 8 inches wide.
    """

    title: str
    text: str
    draw: Draw
    size: tuple[float, float] = (7.0, 4.4)


def plots(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    results: VerificationResults,
    before: SelfModel | None = None,
) -> list[Plot]:
    """All figures that the data allows.

    Args:
        face: the face.
        data: observations.
        model: fitted to ``data``.
        results: of verification.
        before: self-model that was used before this calibration; None: there was none.
    """
    out = [
        Plot(
            "Prediction error before and after calibration",
            "Mean distance between prediction and observation at held-out poses, by landmark. "
            + (
                "Before: the self-model that ships with this design, of another robot. "
                if before is not None
                else "Before: a face that never moves, because there was no self-model. "
            )
            + "The remaining error is mostly the camera's noise.",
            lambda f: _before_and_after(f, data, model, before),
            (8.0, 4.6),
        ),
        Plot(
            "Reproduced faces",
            "Held-out faces were requested, and the commands of each method were sent to the "
            "robot. A curve further to the left is better.",
            lambda f: _methods(f.add_subplot(), results),
        ),
    ]
    if "self_model_sent" in results.arrays:
        out += [
            Plot(
                "Estimated against requested commands",
                "Each dot is one actuator in one held-out face: the command that made the face, "
                "and the command that the inverse estimated. On the line they are equal.",
                lambda f: _estimated(f, face, model, results),
                (8.0, 5.2),
            ),
            Plot(
                "Error of the estimated commands",
                "Mean over the held-out faces. Pale: the camera sees so little of the actuator "
                "that no method could estimate its command from one observation. Such actuators do "
                "not count in command_l1.",
                lambda f: _commands(f.add_subplot(), face, model, results),
                (7.0, 0.17 * len(model.inputs) + 1.2),
            ),
        ]
    out.append(
        Plot(
            "Reach: share of each ARKit shape that this face can make",
            "Share of the motion that a human face makes for the shape. A shape without a bar "
            "moves no landmark, so a camera cannot measure it.",
            lambda f: _reach(f, face, model),
            (8.0, 5.6),
        )
    )
    if len(model.tendons) and data.of("loop").any():
        out.append(
            Plot(
                "Hysteresis of the tendons",
                "All tendons are pulled together and released, fully and half way. An open loop "
                "shows friction; a flat start shows slack.",
                lambda f: _loops(f, data, model),
                (8.0, 4.0),
            )
        )
    if "curve" in results.metrics:
        out.append(
            Plot(
                "Prediction error against number of poses",
                "Held-out error of fits to random subsets of the poses. The last fit has them all.",
                lambda f: _curve(f.add_subplot(), results),
            )
        )
    out.append(
        Plot(
            "Loss of the fit",
            "Share of the motion's variance that is not explained. It contains the camera's noise.",
            lambda f: _loss(f.add_subplot(), model),
        )
    )
    return out


def _before_and_after(
    figure: Figure, data: Dataset, model: SelfModel, before: SelfModel | None
) -> None:
    held = data.landmarks[data.held_out]
    rest = data.landmarks[data.of("neutral")].mean(0)
    known = rest if before is None else predict_held(before, data)
    errors = [
        np.linalg.norm(predicted - held, axis=-1).mean(0)
        for predicted in (known, predict_held(model, data))
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


def _curve(axes: Axes, results: VerificationResults) -> None:
    curve: dict[str, float] = results.metrics["curve"]
    counts = sorted(int(n) for n in curve)  # JSON sorts them as words
    errors = [curve[str(n)] for n in counts]
    axes.plot(counts, errors, "o-", color=OURS, label="held-out error")
    for n, error in zip(counts, errors, strict=True):
        axes.annotate(
            f"{error:.2f}", (n, error), (0, 7), textcoords="offset points", ha="center", fontsize=9
        )
    floor = results.metrics.get("noise_floor_mm")
    if floor is not None:
        axes.axhline(floor, ls="--", color=OTHER, label="the camera's noise at rest")
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(n) for n in counts], rotation=45)
    axes.minorticks_off()
    axes.margins(y=0.15)
    axes.set_xlabel("poses")
    axes.set_ylabel("RMS error, mm")
    axes.grid(alpha=0.3)
    axes.legend()


def _methods(axes: Axes, results: VerificationResults) -> None:
    for key, (name, color) in _METHODS.items():
        share = results.arrays.get(f"{key}_pct")
        if share is not None and len(share):
            at = np.linspace(0, 100, len(share))
            axes.plot(np.sort(share), at, label=f"{name}: {share.mean():.2f} %", color=color)
    axes.set_xlim(left=0)
    axes.set_xlabel("mean landmark error, % of mouth width")
    axes.set_ylabel("% of the faces below this error")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _estimated(
    figure: Figure, face: FaceConfig, model: SelfModel, results: VerificationResults
) -> None:
    regions = list(dict.fromkeys(face.actuators[face.names[i]].region for i in model.inputs))
    requested, estimated = results.arrays["asked_sent"], results.arrays["self_model_sent"]
    columns = min(3, len(regions))
    rows = -(-len(regions) // columns)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, region in zip(axes.flat, regions, strict=False):
        at = [i for i in model.inputs if face.actuators[face.names[i]].region == region]
        axis.plot([-1, 1], [-1, 1], color=FAINT, lw=1)
        axis.plot(
            requested[:, at].ravel(), estimated[:, at].ravel(), ".", ms=2.5, color=OURS, alpha=0.5
        )
        axis.set_title(region)
        axis.set_aspect("equal")
        axis.set_xlim(-1.08, 1.08)
        axis.set_ylim(-1.08, 1.08)
        axis.set_xticks([-1, 0, 1])
        axis.set_yticks([-1, 0, 1])
    for axis in axes.flat[len(regions) :]:
        axis.set_visible(False)
    figure.supxlabel("requested command", fontsize=11)
    figure.supylabel("estimated command", fontsize=11)


def _commands(axes: Axes, face: FaceConfig, model: SelfModel, results: VerificationResults) -> None:
    low, high = face.limits[model.inputs].T
    off = np.abs(results.arrays["self_model_sent"] - results.arrays["asked_sent"])[:, model.inputs]
    hidden = set(str(results.metrics.get("not_identifiable", "")).split(", "))
    names = [face.names[i] for i in model.inputs]
    colors = [FAINT if n in hidden else OURS for n in names]
    axes.barh(range(len(names)), 100 * (off / (high - low)).mean(0), color=colors)
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("mean error, % of the range")
    axes.grid(axis="x", alpha=0.3)


def _reach(figure: Figure, face: FaceConfig, model: SelfModel) -> None:
    """Reach of the 52 shapes, in two columns."""
    reach = Retarget(model, limits_of(face)).reach
    share = 100 * reach.overall * reach.visible.any(1)
    half = -(-len(ARKIT) // 2)
    for axis, part in zip(figure.subplots(1, 2), (slice(0, half), slice(half, None)), strict=True):
        names = ARKIT[part]
        axis.barh(range(len(names)), share[part], color=OURS)
        axis.set_yticks(range(len(names)), names, fontsize=9)
        axis.invert_yaxis()
        axis.margins(y=0.01)
        axis.set_xlim(0, 100)
        axis.set_xlabel("reach, %")
        axis.grid(axis="x", alpha=0.3)


def _loops(figure: Figure, data: Dataset, model: SelfModel) -> None:
    """Motion along the direction of a full pull; the mean over a region reduces the noise."""
    rows = data.of("loop")
    u = data.commands[rows][:, model.inputs[model.tendons]].max(1)
    rest = data.landmarks[data.of("neutral")].mean(0)
    predicted = model.sequence(data.commands)[rows] - model.landmarks(np.zeros(model.n))
    zones = (("nose", list(NOSE)), ("cheeks", list(CHEEKS)))
    for axis, (name, zone) in zip(figure.subplots(1, 2), zones, strict=True):
        way = predicted[u.argmax()][zone]
        way = way / max(float(np.linalg.norm(way)), 1e-9)
        scale = 1.0 / np.sqrt(len(zone))

        def along(moved: Floats, zone: list[int] = zone, way: Floats = way) -> Floats:
            return np.asarray((moved[:, zone] * way).sum((1, 2)))

        seen = along(data.landmarks[rows] - rest) * scale
        axis.plot(u, seen, "o", ms=4, color=OTHER, label="observed")
        axis.plot(u, along(predicted) * scale, "-", lw=1.2, color=OURS, label="model")
        axis.set_title(name)
        axis.set_xlabel("command")
        axis.set_ylabel("motion along the pull, RMS mm")
        axis.grid(alpha=0.3)
        axis.legend()


def _plain(axis: matplotlib.axis.Axis) -> None:
    """Plain numbers on a logarithmic axis."""
    for setter in (axis.set_major_formatter, axis.set_minor_formatter):
        setter(ScalarFormatter())
