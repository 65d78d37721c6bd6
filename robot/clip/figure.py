"""Figure of a played clip: sound, lip gap, jaw and commands over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import lip_gap
from mien.robot.clip.trace import Trace, jaw_opening
from mien.robot.face.config import FaceConfig, Floats

_SPEAKING = ("jaw", "mouth")  # regions
_MOST_PLOTTED = 5
SOUND_COLOR, TARGET_COLOR, OBSERVED_COLOR = "#3b3b3b", "#9aa7b5", "#c8553d"


def draw(
    path: Path, samples: NDArray[np.float32], rate: int, targets: Floats, trace: Trace
) -> None:
    """Write a PNG with the waveform, target and observed lip gap and jaw, and a few commands.

    Args:
        path: file of the PNG.
        samples: (n,) sound at ``rate`` Hz.
        targets: (T, 478, 3) target landmarks in mm at 60 fps, frame k at k/60 s.
        trace: ticks and landmarks of the played clip.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    seconds = len(targets) / 60
    figure, axes = plt.subplots(
        4, 1, figsize=(12, 9), sharex=True, height_ratios=[1, 1.4, 1.4, 1.4], layout="constrained"
    )
    sound, lips, jaw, commands = axes
    sound.plot(np.arange(len(samples)) / rate, samples, color=SOUND_COLOR, lw=0.4)
    sound.set(ylabel="sound", yticks=[])
    frames, observed = np.arange(len(targets)) / 60, trace.landmarks
    for axis, label, measure in (
        (lips, "lip gap, mm", lip_gap),
        (jaw, "nose to chin, mm", jaw_opening),
    ):
        axis.plot(frames, measure(targets), color=TARGET_COLOR, lw=2.5, label="target")
        axis.plot(trace.t, measure(observed), color=OBSERVED_COLOR, lw=1.2, label="observed")
        axis.set(ylabel=label)
        axis.legend(loc="upper right", frameon=False, ncols=2)
    names = plotted(trace.face, trace.sent)
    for name in names:
        commands.plot(trace.t, trace.sent[:, trace.face.index(name)], lw=1.1, label=name)
    commands.set(ylabel="command", xlabel="time in the sound, s", xlim=(0, seconds))
    commands.axhline(0, color="#dddddd", lw=0.8, zorder=0)
    commands.legend(loc="upper right", frameon=False, ncols=len(names), fontsize="small")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plotted(face: FaceConfig, sent: Floats) -> list[str]:
    """The actuators of jaw and mouth that move most in the commands (T, n); of a face without any,
    those of all regions. They are in the order of the face."""
    speaking = [k for k, a in enumerate(face.actuators.values()) if a.region in _SPEAKING]
    among = speaking or list(range(len(face.names)))
    moved = np.ptp(sent, axis=0) if len(sent) else np.zeros(len(face.names))
    most = sorted(among, key=lambda k: -moved[k])[:_MOST_PLOTTED]
    return [face.names[k] for k in sorted(most)]
