"""The report of a calibration: one HTML page with metrics, criteria and figures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.frame_filter import describe_counts
from mien.calibration.report.figures import Plot, plots
from mien.calibration.verify.acceptance import DESCRIPTIONS, CriterionResult, evaluate, unmet
from mien.calibration.verify.results import VerificationResults
from mien.models.files import write_whole
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig

_STYLE = (
    "body{font:16px/1.45 system-ui,sans-serif;max-width:52em;margin:1.5em auto;padding:0 1em;"
    "color:#1c2733}table{border-collapse:collapse;margin:1em 0}"
    "th{text-align:left;font-weight:600}td,th{padding:.2em .9em .2em 0;vertical-align:top}"
    "tr{border-bottom:1px solid #e3e8ed}.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".missed{color:#a32b00}.met{color:#0a5c36}code{font-size:.9em;overflow-wrap:anywhere}"
    "details td:last-child{overflow-wrap:anywhere}"
    "figure{margin:2.2em 0}img{width:100%;height:auto}h2{margin-top:2em}.wide{overflow-x:auto}"
    "@media(max-width:40em){body{font-size:15px}td,th{padding-right:.6em}}"
)


def write_report(
    path: Path,
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    results: VerificationResults,
    findings: Sequence[str] = (),
    before: SelfModel | None = None,
    sheet: bytes = b"",
) -> Path:
    """Write the report. Its figures are inside the page.

    Args:
        path: of the page.
        face: the face.
        data: observations.
        model: fitted to ``data``.
        results: of verification.
        findings: of the wiring check; they stand at the top.
        before: self-model that was used before this calibration; None: there was none.
        sheet: a JPEG of the calibrated robot beside the nominal one; empty: there is none.

    Returns:
        the path.
    """
    metrics, setup = results.metrics, data.setup
    warnings = [f"Stopped: {f}" for f in findings] + _hidden(model)
    notes = "".join(f"<li class='missed'>{html.escape(f)}</li>" for f in warnings)
    build = f", build {setup.build}" if setup.build >= 0 else ""
    against = metrics.get("errors_against", "the camera")
    figures = "\n".join(_figure(p) for p in plots(face, data, model, results, before))
    title = f"Calibration of {html.escape(face.name)}"
    sections = [
        f"<h1>{title}</h1>",
        f"<p>{int(data.observed.sum())} poses, camera {html.escape(setup.camera)}{build}; "
        f"errors of reproduced faces are against {html.escape(str(against))}.</p>",
        _verdict(metrics),
        f"<ul>{notes}</ul>" if notes else "",
        _table(
            ("metric", "value", "criterion", "result"),
            (
                (_description(r), _short(r.value), _criterion(r), "met" if r.met else "missed")
                for r in evaluate(metrics)
            ),
        ),
        _sheet(sheet),
        _dynamics(metrics.get("pace", {}), face.names),
        _dropped(metrics.get("dropped", {})),
        figures,
        "<h2>All metrics</h2><details><summary>metrics.json</summary>",
        _table(
            ("name", "value"),
            ((k, _formatted(v)) for k, v in sorted(metrics.items()) if not isinstance(v, dict)),
        ),
        f"</details><p>Face <code>{face.hash}</code>, data <code>{data.hash}</code>.</p>",
    ]
    page = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<style>{_STYLE}</style>" + "\n".join(sections) + "</html>\n"
    )
    write_whole(path, page)
    return path


def _sheet(picture: bytes) -> str:
    """The contact sheet, where there is one."""
    if not picture:
        return ""
    return (
        "<h2>What it does when it is asked</h2><figure><p>The calibrated robot beside the nominal "
        "one of the design, each driven by its own self-model and asked for the same.</p>"
        "<img alt='Faces of the calibrated and of the nominal robot' "
        f"src='data:image/jpeg;base64,{base64.b64encode(picture).decode()}'></figure>"
    )


def _verdict(metrics: Mapping[str, Any]) -> str:
    """Whether the face is calibrated."""
    missing = unmet(metrics)
    if missing:
        return f"<p class='missed'><b>Not calibrated</b>: {html.escape('; '.join(missing))}.</p>"
    return "<p class='met'><b>Calibrated</b>: the inverse reproduces held-out faces.</p>"


def _description(row: CriterionResult) -> str:
    return f"{DESCRIPTIONS[row.name]} ({row.note})" if row.note else DESCRIPTIONS[row.name]


def _criterion(row: CriterionResult) -> str:
    return row.criterion.replace("at most ", "≤\N{NO-BREAK SPACE}")


def _short(value: float) -> str:
    """Three significant digits; counts in full."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _hidden(model: SelfModel) -> list[str]:
    """Actuators that the camera did not see move, with the remedy."""
    unseen = model.meta.get("unseen_actuators", [])
    if not unseen:
        return []
    return [
        f"The camera does not see these actuators move: {', '.join(unseen)}. It cannot tell "
        "whether they work. Check them by eye with mien set."
    ]


def _dynamics(rows: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """Table of dead time and maximum speed of each actuator."""
    if not rows:
        return ""

    def cells(name: str, p: Mapping[str, Any]) -> tuple[str, ...]:
        if p["dead_ms"] is None:
            return name, "not visible", "", f"{p['speed_allowed']:g}", ""
        note = "slow, missed" if p["slow"] else "late, missed" if p["late"] else ""
        return (
            name,
            f"{p['dead_ms']:.0f} ± {p['dead_error_ms']:.0f}",
            f"{p['speed']:.2f} ± {p['speed_error']:.2f}",
            f"{p['speed_allowed']:g}",
            note,
        )

    return (
        "<h2>Actuator dynamics</h2><p>Dead time from command to skin, and maximum speed, from step "
        "responses at the speed that the YAML allows. The dead time contains the lag of the skin "
        "and any error of the camera delay. Single strokes vary by the 20 ms between pulses.</p>"
        "<div class='wide'>"
        + _table(
            (
                "actuator",
                "dead time, ms",
                "maximum speed, commands/s",
                "limit in the YAML",
                "result",
            ),
            (cells(n, rows[n]) for n in names if n in rows),
        )
        + "</div>"
    )


def _dropped(stages: Mapping[str, Mapping[str, int]]) -> str:
    """Number of frames that were not used, by stage and reason."""
    parts = [f"{stage}: {describe_counts(counts) or 'none'}" for stage, counts in stages.items()]
    return f"<p>Pictures dropped: {html.escape('; '.join(parts))}.</p>" if parts else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """HTML table. A row is coloured if its last cell is ``met`` or ``missed``."""
    out = ["<tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in heads) + "</tr>"]
    for row in rows:
        kind = row[-1].split(", ")[-1]
        style = f" class='{kind}'" if kind in ("met", "missed") else ""
        cells = "".join(f"<td>{html.escape(c.removesuffix(', missed'))}</td>" for c in row)
        out.append(f"<tr{style}>{cells}</tr>")
    return f"<table>{''.join(out)}</table>"


def _formatted(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _figure(plot: Plot) -> str:
    with rc_context({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=plot.size, layout="constrained")
        plot.draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=140)
    title = html.escape(plot.title)
    picture = base64.b64encode(buffer.getvalue()).decode()
    return (
        f"<h2>{title}</h2><figure><p>{html.escape(plot.text)}</p>"
        f"<img alt='{title}' src='data:image/png;base64,{picture}'></figure>"
    )
