"""The printable sheet of the dots: where each belongs on a face, their sizes, and a ruler.

It needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from mien.models.face.face_mesh import edges
from mien.models.vision.markers import layout
from mien.robot.face.config import Floats
from mien.robot.sim.head import load_head

A4_MM = (210.0, 297.0)
MM = 1.0 / 25.4
GREEN = "#1a9e38"
STEPS = (
    "1.  Print this page at 100 %. The ruler below must measure 100 mm.",
    "2.  Clean the skin with alcohol, so that the stickers hold.",
    "3.  Stick or draw the dots on the face at rest. Green: every camera tells it from skin, lips "
    "and eyes.",
    "4.  Large dots have 3 mm, small ones (lips and lids) 2 mm. Small ones are best drawn with a "
    "pen.",
    "5.  A dot may be 2 mm from its place. No two dots touch. A missing dot costs accuracy there, "
    "no more.",
    "6.  Circles with a ring are reference dots: above the hairline and before the ears, on parts "
    "that no motor moves.",
    "7.  Place two cameras 1 m from the face, each 15 to 20 degrees from straight ahead, at the "
    "height of the nose.",
    "8.  Light the face evenly, without glare on the dots. Fix cameras, focus, light and head.",
    "9.  mien calibrate all --face YOURS.yaml --port auto --camera markers:0,1",
)


def write_sheet(path: Path) -> Path:
    """Write the sheet as a PDF of two pages. Returns its path."""
    head = load_head()
    places = layout.places(head.neutral_landmarks, head.parts["skin"].vertices)
    with PdfPages(path, metadata={"Title": "Dots for mien calibrate", "CreationDate": None}) as pdf:
        pdf.savefig(_guide(head.neutral_landmarks, places))
        pdf.savefig(_dots_page())
    return path


def _page() -> Figure:
    return Figure(figsize=(A4_MM[0] * MM, A4_MM[1] * MM))


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes in mm of the page, whose unit is 1 mm on paper."""
    page_w, page_h = A4_MM
    axes = figure.add_axes((left / page_w, bottom / page_h, width / page_w, height / page_h))
    axes.set(xlim=(0.0, width), ylim=(0.0, height))
    axes.axis("off")
    return axes


def _guide(neutral: Floats, places: Floats) -> Figure:
    figure = _page()
    figure.text(0.08, 0.955, "Dots for mien calibrate --camera markers", size=15, weight="bold")
    figure.text(
        0.08,
        0.937,
        f"{len(layout.dots())} green dots; the numbers are those of the messages",
        size=9,
    )
    front, side = (5.0, 98.0, 132.0, 178.0), (128.0, 128.0, 78.0, 148.0)
    _face(_axes(figure, *front), neutral, places, (0, 1), 1.0, "from the front, 1:1.4")
    _face(_axes(figure, *side), neutral, places, (2, 1), 0.6, "from the face's left")
    for k, step in enumerate(STEPS):
        figure.text(0.08, 0.315 - 0.0225 * k, step, size=8.2)
    ruler = _axes(figure, 17.0, 14.0, 110.0, 16.0)
    ruler.plot([0, 100], [6, 6], color="k", lw=1)
    for mm in range(0, 101, 10):
        ruler.plot([mm, mm], [6, 9], color="k", lw=1)
        ruler.text(mm, 10, str(mm), ha="center", size=6)
    ruler.text(50, 1, "100 mm", ha="center", size=7)
    sizes = _axes(figure, 140.0, 14.0, 60.0, 16.0)
    for x, size in ((5.0, layout.LARGE_MM), (30.0, layout.SMALL_MM)):
        sizes.add_patch(Circle((x, 7.0), size / 2, color=GREEN))
        sizes.text(x + 4.0, 5.8, f"{size:g} mm", size=8)
    return figure


def _face(
    axes: Axes, neutral: Floats, places: Floats, sides: tuple[int, int], scale: float, title: str
) -> None:
    """A view of the face; in the side view only the dots of the face's left are drawn."""
    profile = sides[0] == 2
    shown = places[:, 0] > -1.0 if profile else np.ones(len(places), dtype=bool)
    size = 0.72 * scale
    width, height = axes.get_xlim()[1], axes.get_ylim()[1]
    sign = -1.0 if profile else 1.0
    everything = np.concatenate([neutral, places])[:, list(sides)] * (sign, 1.0)
    middle = (everything.min(0) + everything.max(0)) / 2

    def on_paper(points: Floats) -> Floats:
        moved = (points[:, list(sides)] * (sign, 1.0) - middle) * size
        return np.asarray(moved + np.array((width, height)) / 2)

    pairs = edges()
    if profile:
        pairs = pairs[(neutral[pairs, 0] > -1.0).all(1)]
    flat = on_paper(neutral)
    axes.add_collection(LineCollection(list(flat[pairs]), colors="#c8c8c8", linewidths=0.35))
    at = on_paper(places)
    for dot, (x, y), yes in zip(layout.dots(), at, shown, strict=True):
        if not yes:
            continue
        axes.add_patch(Circle((x, y), 0.5 * dot.diameter_mm * size, color=GREEN))
        if dot.reference:
            axes.add_patch(Circle((x, y), dot.diameter_mm * size, fill=False, color=GREEN, lw=0.8))
        axes.text(x + 1.0, y + 0.7, str(dot.number), size=4.6 if profile else 5.6, color="#222222")
    axes.text(width / 2, 1.0, title, ha="center", size=8)


def _dots_page() -> Figure:
    """Dots to be cut out of green film or sticky paper."""
    figure = _page()
    figure.text(0.08, 0.955, "Dots to cut out, on adhesive paper", size=13, weight="bold")
    figure.text(0.08, 0.935, "With a hole punch of the same size they need no scissors.", size=9)
    axes = _axes(figure, 15.0, 20.0, 180.0, 250.0)
    large = sum(dot.diameter_mm == layout.LARGE_MM for dot in layout.dots())
    small = len(layout.dots()) - large
    y = 244.0
    for count, size in ((large, layout.LARGE_MM), (small, layout.SMALL_MM)):
        axes.text(0.0, y, f"{count} dots of {size:g} mm, and some to spare", size=9)
        y -= 8.0
        for k in range(int(1.3 * count)):
            row, column = divmod(k, 20)
            axes.add_patch(Circle((4.0 + 9.0 * column, y - 9.0 * row), size / 2, color=GREEN))
        y -= 9.0 * (int(1.3 * count) // 20 + 1) + 8.0
    return figure
