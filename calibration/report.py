"""One HTML page of a calibration: numbers against their goals, and figures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from calibration.dataset import Dataset
from calibration.verdicts import Verdict
from models.blendshapes import ARKIT
from models.regions import CHEEKS, NOSE
from models.self_model import SelfModel
from robot.config import FaceConfig
from robot.retarget import Retarget, limits_of

matplotlib.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

GOALS: dict[str, tuple[str, float]] = {
    "model_over_floor": ("<=", 1.3),
    "inverse_mean_pct": ("<=", 1.5),
    "inverse_p95_pct": ("<=", 4.0),
    "command_l1": ("<=", 0.03),
    "vs_ridge": ("<=", 0.7),
    "vs_nearest": ("<=", 0.4),
    "memory_gain": ("<=", 0.7),
    "fit_s": ("<=", 240.0),
    "robot_s": ("<=", 480.0),
    "poses": ("<=", 1500.0),
}
"""What a calibrated face should reach; each is shown beside what was measured."""


@dataclass(frozen=True)
class Row:
    """A number and its goal."""

    name: str
    value: float
    goal: str
    met: bool


def judged(metrics: dict[str, Any]) -> list[Row]:
    """The numbers that have a goal."""
    rows = []
    for name, (_, limit) in GOALS.items():
        value = metrics.get(name)
        if isinstance(value, int | float):
            rows.append(Row(name, float(value), f"at most {limit:g}", bool(value <= limit)))
    return rows


def write_report(
    path: Path,
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    verdict: Verdict,
    findings: Sequence[str] = (),
) -> Path:
    """Write the page, its figures inside it, ``findings`` of the first pass on top."""
    stopped = "".join(f"<li class='missed'>Stopped: {html.escape(f)}</li>" for f in findings)
    draw: list[tuple[str, Callable[[Axes], None]]] = [
        ("Mean error of each landmark on held-out poses", lambda a: _on_face(a, data, verdict)),
        ("Loss of the fit", lambda a: _loss(a, model)),
        ("Error of held-out faces shown again", lambda a: _methods(a, verdict)),
        ("Commands asked and found again", lambda a: _commands(a, face, model, verdict)),
        ("What this face shows of each ARKit shape", lambda a: _reach(a, face, model)),
    ]
    if "curve" in verdict.metrics:
        draw.append(("Error against number of poses", lambda a: _curve(a, verdict)))
    if len(model.tendons):
        draw.append(("Strings up and down", lambda a: _loops(a, face, data, model)))
    figures = "\n".join(
        f"<figure><img alt='{html.escape(title)}' src='data:image/png;base64,{_png(plot)}'>"
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
        for title, plot in draw
    )
    rows = "\n".join(
        f"<tr class='{'met' if r.met else 'missed'}'><td>{r.name}</td><td>{r.value:.4g}</td>"
        f"<td>{r.goal}</td><td>{'met' if r.met else 'missed'}</td></tr>"
        for r in judged(verdict.metrics)
    )
    others = "\n".join(
        f"<tr><td>{html.escape(k)}</td><td>{_shown(v)}</td></tr>"
        for k, v in sorted(verdict.metrics.items())
        if k not in GOALS and not isinstance(v, dict)
    )
    about = (
        f"Face {face.hash}, data {data.hash}, camera {data.setup.camera}, "
        f"build {data.setup.build}, {int(data.seen.sum())} poses seen."
    )
    title = f"Calibration of {html.escape(face.name)}"
    page = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>"
        "body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:.15em 1em .15em 0}.missed{color:#a30}.met{color:#063}"
        "figure{margin:2em 0}img{max-width:100%}</style>"
        f"<h1>{title}</h1><p>{about}</p><ul>{stopped}</ul><table>{rows}</table>"
        f"<h2>More numbers</h2><table>{others}</table>{figures}</html>\n"
    )
    part = path.with_suffix(".part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)
    return path


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else html.escape(str(value))


def _png(plot: Callable[[Axes], None]) -> str:
    figure = Figure(figsize=(8, 5), layout="constrained")
    plot(figure.add_subplot())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return base64.b64encode(buffer.getvalue()).decode()


def _on_face(axes: Axes, data: Dataset, verdict: Verdict) -> None:
    rest = data.landmarks[data.of("neutral")].mean(0)
    dots = axes.scatter(rest[:, 0], rest[:, 1], c=verdict.arrays["landmark_error"], s=14)
    axes.figure.colorbar(dots, ax=axes, label="mm")
    axes.set_aspect("equal")
    axes.set_xlabel("mm, the face's left is on the right")


def _loss(axes: Axes, model: SelfModel) -> None:
    loss = np.array(model.meta.get("loss", [np.nan]))
    axes.semilogy(np.linspace(0, 100, len(loss)), loss)
    axes.set_xlabel("% of the steps")
    axes.set_ylabel("share of the motion's variance")


def _curve(axes: Axes, verdict: Verdict) -> None:
    curve: dict[str, float] = verdict.metrics["curve"]
    counts = sorted(curve, key=int)  # JSON sorts them as words
    axes.plot([int(n) for n in counts], [curve[n] for n in counts], "o-", label="held-out error")
    floor = verdict.metrics.get("noise_floor_mm")
    if floor is not None:
        axes.axhline(floor, ls=":", label="the camera's noise")
    axes.set_xscale("log")
    axes.set_xlabel("poses learned from")
    axes.set_ylabel("mm")
    axes.legend()


def _methods(axes: Axes, verdict: Verdict) -> None:
    for name in ("self_model", "direct", "ridge", "nearest"):
        share = verdict.arrays.get(f"{name}_pct")
        if share is not None and len(share):
            axes.plot(np.sort(share), np.linspace(0, 100, len(share)), label=name)
    axes.set_xlabel("mean landmark error, % of mouth width")
    axes.set_ylabel("% of faces below")
    axes.legend()


def _commands(axes: Axes, face: FaceConfig, model: SelfModel, verdict: Verdict) -> None:
    if "self_model_sent" not in verdict.arrays:
        return
    low, high = face.limits[model.inputs].T
    off = np.abs(verdict.arrays["self_model_sent"] - verdict.arrays["asked_sent"])[:, model.inputs]
    axes.barh(range(len(model.inputs)), (off / (high - low)).mean(0))
    axes.set_yticks(range(len(model.inputs)), [face.names[i] for i in model.inputs], fontsize=6)
    axes.invert_yaxis()
    axes.set_xlabel("mean distance, share of the range")


def _reach(axes: Axes, face: FaceConfig, model: SelfModel) -> None:
    reach = Retarget(model, limits_of(face)).reach
    axes.bar(range(len(ARKIT)), 100 * reach.overall)
    axes.set_xticks(range(len(ARKIT)), ARKIT, rotation=90, fontsize=6)
    axes.set_ylabel("% reached")


def _loops(axes: Axes, face: FaceConfig, data: Dataset, model: SelfModel) -> None:
    """Motion along the direction of a full pull: the camera's noise averages out of it."""
    rows = data.of("loop")
    u = data.commands[rows][:, model.inputs[model.tendons]].max(1)
    if not rows.any() or u.max() <= 0:
        return
    rest = data.landmarks[data.of("neutral")].mean(0)
    home = model.landmarks(np.zeros(model.n))
    said = model.sequence(data.commands)[rows] - home
    for name, zone in (("nose", list(NOSE)), ("cheeks", list(CHEEKS))):
        way = said[u.argmax()][zone]
        way = way / max(float(np.linalg.norm(way)), 1e-9)
        scale = 1.0 / np.sqrt(len(zone))
        seen = ((data.landmarks[rows] - rest)[:, zone] * way).sum((1, 2)) * scale
        axes.plot(u, seen, "o-", lw=0.8, ms=3, label=f"{name}: seen")
        axes.plot(u, (said[:, zone] * way).sum((1, 2)) * scale, "--", label=f"{name}: model")
    axes.set_title(f"{face.name}: all strings pulled together", fontsize=9)
    axes.set_xlabel("command")
    axes.set_ylabel("motion along the pull, RMS mm")
    axes.legend()
