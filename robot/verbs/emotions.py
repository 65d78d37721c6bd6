"""``mien emotions``: every emotion at three intensities on the face as it is, on one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray

from mien.robot.verbs.options import Build, Calibration, Face, Out, with_face

INTENSITIES: Final = (0.35, 0.7, 1.0)


def emotions(
    face: Face = "morpheus33",
    calibration: Calibration = None,
    build: Build = 0,
    size: Annotated[
        int, typer.Option(min=120, max=1024, help="Height and width of one face in pixels.")
    ] = 300,
    labels: Annotated[
        bool,
        typer.Option(help="Write the names. --no-labels shuffles the columns and hides the names."),
    ] = True,
    out: Out = None,
) -> None:
    """Draw a contact sheet of all emotions, your own too, at three intensities.

    Each picture shows the simulated face after inverse, servos and skin.

    Example: mien emotions --face morpheus33 --build 3
    """
    from mien.models.face.emotion import EMOTIONS, blend, mix
    from mien.robot.clip import still
    from mien.robot.expression.posture import posture
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.face.provenance import origin
    from mien.robot.face.solver import FaceSolver
    from mien.robot.progress import Steps
    from mien.robot.runs import new_run, write_json
    from mien.robot.sim.render import CameraView, Renderer
    from mien.robot.sim.rig import Rig

    config = load_face(face)
    calibrated = Calibrated(config, calibration)
    folder = new_run("emotions", config.name, out)
    mixes = np.stack([mix({name: i}) for name in EMOTIONS for i in INTENSITIES])
    pictures: list[NDArray[np.uint8]] = []
    with Steps() as steps:
        commands = FaceSolver(calibrated).still(blend(mixes), posture(mixes))
        renderer: list[Renderer] = []
        view = CameraView(position=(0.0, -12.0, 960.0), target=(0.0, -22.0, 0.0), fov_deg=13.5)

        def observe_rig(rig: Rig) -> NDArray[np.float64]:
            if not renderer:
                renderer.append(Renderer(rig.head, size, size))
            state = rig.skin_state()
            pictures.append(renderer[0].render(rig.skin.deform(state), state.head, view))
            return rig.landmarks()

        landmarks = still.hold(calibrated, commands, observe_rig, build, steps.start("emotions"))
        renderer[0].close()
    order = np.arange(len(EMOTIONS)) if labels else np.random.default_rng().permutation(8)
    names = [EMOTIONS[i] for i in order] if labels else [f"{k + 1}?" for k in range(len(order))]
    ordered = [pictures[i * len(INTENSITIES) + k] for k in range(len(INTENSITIES)) for i in order]
    sheet(folder / "emotions.png", ordered, names, [f"{i:g}" for i in INTENSITIES])
    targets = calibrated.retarget.targets(blend(mixes))
    rest = landmarks[0]
    moved = [float(np.linalg.norm(x - rest, axis=1).max()) for x in landmarks]
    miss = [
        float(np.linalg.norm(x - t, axis=1).mean()) for x, t in zip(landmarks, targets, strict=True)
    ]
    table = {
        f"{name}@{i:g}": {
            "moved_mm": moved[j * len(INTENSITIES) + k],
            "off_target_mm": miss[j * len(INTENSITIES) + k],
            "commands": dict(
                zip(config.names, commands[j * len(INTENSITIES) + k].round(3).tolist(), strict=True)
            ),
        }
        for j, name in enumerate(EMOTIONS)
        for k, i in enumerate(INTENSITIES)
    }
    answers = {} if labels else {"order": [EMOTIONS[i] for i in order]}
    write_json(
        folder / "emotions.json", {**origin(config, 0), "build": build, "poses": table, **answers}
    )
    for path in sorted(folder.iterdir()):
        print(path)
    print(
        f"next: mien speak{with_face(face)} --text 'What a day!' --emotion happiness "
        "--intensity 0.7"
    )


def sheet(
    path: Path, pictures: list[NDArray[np.uint8]], columns: list[str], rows: list[str]
) -> None:
    """Pictures row by row under column names, rows named at the left, to a PNG."""
    from matplotlib.figure import Figure

    side = pictures[0].shape[0]
    dpi, left, top = 100, 60, 40
    width, height = left + side * len(columns), top + side * len(rows)
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")
    for k, picture in enumerate(pictures):
        row, column = divmod(k, len(columns))
        axes = figure.add_axes(
            (
                (left + column * side) / width,
                (height - top - (row + 1) * side) / height,
                side / width,
                side / height,
            )
        )
        axes.imshow(picture, interpolation="antialiased")
        axes.set_axis_off()
        if row == 0:
            at = (left + (column + 0.5) * side) / width
            figure.text(at, (height - 28) / height, columns[column], ha="center", fontsize=15)
        if column == 0:
            at = (height - top - (row + 0.5) * side) / height
            figure.text(18 / width, at, rows[row], va="center", fontsize=13)
    figure.savefig(str(path), dpi=dpi)
