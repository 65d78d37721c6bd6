"""Baselines on the same data: ridge regression, nearest neighbour, and a direct inverse network.

All of them map landmarks to commands, with the modes and landmark weights of the inverse model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from mien.models.face.regions import landmark_weights
from mien.models.self_model.objective import ObjectiveWeights
from mien.models.threads import torch_thread
from mien.robot.face.config import Floats

Inversion: TypeAlias = Callable[[Floats], Floats]
"""Targets (T, 478, 3) mm -> commands (T, n)."""

_MODES = 48
WIDE = 300
"""Modes of the wide ridge regression."""
_RIDGE = 1e-3
_STEPS = 1500


def flat(landmarks: Floats, mean: Floats) -> Floats:
    """Weighted displacements (T, 1434) of landmarks (T, 478, 3) mm.

    Their Euclidean distance is the landmark term of the inverse model's objective.
    """
    root = np.sqrt(landmark_weights()[:, None] * (1.0, 1.0, ObjectiveWeights().depth))
    return ((landmarks - mean) * root).reshape(len(landmarks), -1)


def ridge_forward(commands: Floats, landmarks: Floats) -> Inversion:
    """Ridge regression from commands (N, n) to landmarks (N, 478, 3) mm."""
    a = np.concatenate([commands, np.ones((len(commands), 1))], axis=1)
    gram = a.T @ a + _RIDGE * len(a) * np.eye(a.shape[1])
    solved = np.linalg.solve(gram, a.T @ landmarks.reshape(len(a), -1))
    return lambda u: (np.concatenate([u, np.ones((len(u), 1))], axis=1) @ solved).reshape(
        len(u), *landmarks.shape[1:]
    )


def nearest_forward(commands: Floats, landmarks: Floats) -> Inversion:
    """Nearest neighbour from commands (N, n) to landmarks (N, 478, 3) mm."""
    return lambda u: landmarks[_nearest(u, commands)]


def ridge(commands: Floats, landmarks: Floats, count: int = _MODES) -> Inversion:
    """Ridge regression from ``count`` modes of the landmarks to commands."""
    modes, mean = _modes(landmarks, count)
    z = flat(landmarks, mean) @ modes.T
    a = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    gram = a.T @ a + _RIDGE * len(a) * np.eye(a.shape[1])
    solved = np.linalg.solve(gram, a.T @ commands)
    return lambda targets: flat(targets, mean) @ modes.T @ solved[:-1] + solved[-1]


def nearest(commands: Floats, landmarks: Floats) -> Inversion:
    """Commands of the most similar pose of the whole training set."""
    modes, mean = _modes(landmarks)
    known = flat(landmarks, mean) @ modes.T
    return lambda targets: commands[_nearest(flat(targets, mean) @ modes.T, known)]


@torch_thread()
def direct(commands: Floats, landmarks: Floats, seed: int = 0) -> Inversion:
    """A network from the modes of the landmarks directly to commands."""
    import torch  # it takes a second to import

    torch.manual_seed(seed)
    modes, mean = _modes(landmarks)
    z = flat(landmarks, mean) @ modes.T
    spread = z.std(0) + 1e-6
    net = torch.nn.Sequential(
        torch.nn.Linear(len(modes), 128),
        torch.nn.Tanh(),
        torch.nn.Linear(128, 128),
        torch.nn.Tanh(),
        torch.nn.Linear(128, commands.shape[1]),
    )
    x = torch.from_numpy(z / spread).float()
    y = torch.from_numpy(commands).float()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, _STEPS)
    for _ in range(_STEPS):
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()

    def invert(targets: Floats) -> Floats:
        with torch.no_grad():
            z = flat(targets, mean) @ modes.T / spread
            return np.asarray(net(torch.from_numpy(z).float()).numpy(), dtype=np.float64)

    return invert


def _modes(landmarks: Floats, count: int = _MODES) -> tuple[Floats, Floats]:
    mean = landmarks.mean(0)
    modes = np.linalg.svd(flat(landmarks, mean), full_matrices=False)[2]
    return modes[:count], mean


def _nearest(requested: Floats, known: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    squared = (
        np.square(requested).sum(1)[:, None]
        - 2 * requested @ known.T
        + np.square(known).sum(1)[None]
    )
    return np.asarray(squared.argmin(1))
