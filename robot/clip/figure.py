"""One picture of a played clip: the sound, what the mouth was to do, and what it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import lip_gap
from mien.robot.clip.trace import Trace, opening
from mien.robot.face.config import Floats

SHOWN = ("jaw_open", "lip_upper_center", "lip_lower_center", "corner_x_left", "corner_y_left")
INK, WANTED, REACHED = "#3b3b3b", "#9aa7b5", "#c8553d"


def draw(
    path: Path, samples: NDArray[np.float32], rate: int, targets: Floats, trace: Trace
) -> None:
    """Write a PNG: waveform, lip gap and jaw wanted and reached, a few commands.

    Args:
        samples: (n,) sound.
        targets: (T, 478, 3) mm at 60 fps, frame k at k/60 s, shown as they were asked for.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    seconds = len(targets) / 60
    figure, axes = plt.subplots(
        4, 1, figsize=(12, 9), sharex=True, height_ratios=[1, 1.4, 1.4, 1.4], layout="constrained"
    )
    sound, lips, jaw, commands = axes
    sound.plot(np.arange(len(samples)) / rate, samples, color=INK, lw=0.4)
    sound.set(ylabel="sound", yticks=[])
    frames, reached = np.arange(len(targets)) / 60, trace.landmarks
    for axis, label, measure in (
        (lips, "lip gap, mm", lip_gap),
        (jaw, "nose to chin, mm", opening),
    ):
        axis.plot(frames, measure(targets), color=WANTED, lw=2.5, label="wanted")
        axis.plot(trace.t, measure(reached), color=REACHED, lw=1.2, label="reached")
        axis.set(ylabel=label)
        axis.legend(loc="upper right", frameon=False, ncols=2)
    names = [n for n in SHOWN if n in trace.face.names]
    for name in names:
        commands.plot(trace.t, trace.sent[:, trace.face.index(name)], lw=1.1, label=name)
    commands.set(ylabel="command", xlabel="time in the sound, s", xlim=(0, seconds))
    commands.axhline(0, color="#dddddd", lw=0.8, zorder=0)
    commands.legend(loc="upper right", frameon=False, ncols=len(names), fontsize="small")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
