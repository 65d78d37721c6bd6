"""The reference inverse: Adam by backpropagation through the self-model, on the same cost and box.

This is how Morpheus inverts its self-model (arXiv 2507.16645). It is slow and has no second-order
information; what it finds in 500 steps is the yardstick of ``mien bench inverse``.
"""

from __future__ import annotations

import numpy as np
import torch

from mien.models.self_model.model import Floats
from mien.models.self_model.network import from_numpy
from mien.models.self_model.objective import Objective


def adam(
    objective: Objective,
    targets: Floats,
    start: Floats,
    low: Floats,
    high: Floats,
    steps: int = 500,
    rate: float = 0.02,
) -> tuple[Floats, Floats]:
    """Inputs (T, m) by Adam with projection onto the box, and their cost (T,).

    Args:
        objective: of the model; without smoothness and interlocks.
        targets: (T, 478, 3) mm.
        start: (T, m) first guess.
        low, high: (m,) or (T, m) bounds.
        steps: Adam steps.
        rate: learning rate, halved at 60 % and 85 % of the steps.
    """
    goal = objective.project(targets)
    net = from_numpy(objective.model)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    readout = torch.from_numpy(objective.readout)
    prior = torch.from_numpy(objective.prior)
    contact = objective.contact
    least, parted = torch.from_numpy(contact.least), torch.from_numpy(contact.parted)
    b, scale = torch.from_numpy(goal.b), torch.from_numpy(goal.scale)
    kept = np.zeros_like(start)
    hold = torch.from_numpy(kept if goal.hold is None else goal.hold)
    own = torch.from_numpy(kept if goal.own is None else goal.own)
    walls = (torch.from_numpy(np.array(low)), torch.from_numpy(np.array(high)))
    x = torch.nn.Parameter(torch.clamp(torch.from_numpy(np.array(start)), *walls))
    optimiser = torch.optim.Adam([x], lr=rate)
    marks = [int(steps * 0.6), int(steps * 0.85)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, marks, 0.5)
    for _ in range(steps):
        optimiser.zero_grad()
        predicted = net.features(x) @ readout
        missing = torch.relu(least - predicted[:, contact.columns])  # lips do not pass each other
        apart = torch.zeros_like(predicted)
        apart[:, contact.columns] = missing
        apart[:, : parted.shape[1]] += missing @ parted
        r = (predicted + apart - b) * scale
        cost = r.square().sum() + ((x @ prior) * x).sum() + (hold * (x - own).square()).sum()
        cost.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            x.copy_(torch.clamp(x, *walls))
    found = x.detach().numpy()
    return found, objective.cost(found, goal)
