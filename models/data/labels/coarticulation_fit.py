"""Fit the coarticulation rules to a tracked speaker, by gradient descent over all phones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.models.data.labels.coarticulation import TRACKS, Rules, default_rules, loudness
from mien.models.data.labels.lips import width_of
from mien.models.data.labels.phone_names import from_labels
from mien.models.data.schema import Clip
from mien.models.face.blendshapes import FPS, INDEX
from mien.models.speech.phones import BILABIAL, LABIODENTAL, NUMBER, PHONES, SILENCE, UNKNOWN

_MAX_PHONES = 48  # phones in a clip
MIN_OPENING = 0.08
"""Least opening of a phone that does not bring the lips together, in units of jawOpen (2.5 mm)."""
MIN_OPENING_LABIODENTAL = 0.05


def measured_tracks(clip: Clip) -> NDArray[np.float64]:
    """(T, tracks) of a tracked clip."""
    s = clip.shapes.astype(np.float64)
    press = (s[:, INDEX["mouthPressLeft"]] + s[:, INDEX["mouthPressRight"]]) / 2
    opening = s[:, INDEX["jawOpen"]] - s[:, INDEX["mouthClose"]]
    columns = (opening, s[:, INDEX["jawOpen"]], width_of(s), s[:, INDEX["mouthRollUpper"]], press)
    return np.stack(columns, axis=1)


def fit(
    clips: Sequence[Clip], steps: int = 400, rate: float = 0.03
) -> tuple[Rules, dict[str, float]]:
    """Rules that move like these tracked clips (all of one length are not needed).

    Returns:
        The rules, and r of each track over all frames.
    """
    clips = [c for c in clips if (c.phones != UNKNOWN).all() and len(c.phones) > 30]
    frames = min(len(c.phones) for c in clips)
    number = torch.zeros(len(clips), _MAX_PHONES, dtype=torch.long)
    begin = torch.zeros(len(clips), _MAX_PHONES)
    end = torch.zeros(len(clips), _MAX_PHONES)
    loud = torch.zeros(len(clips), _MAX_PHONES)
    real = torch.zeros(len(clips), _MAX_PHONES)
    measured = torch.zeros(len(clips), frames, len(TRACKS))
    for i, clip in enumerate(clips):
        phones = from_labels(clip.phones, FPS)[:_MAX_PHONES]
        n = len(phones)
        number[i, :n] = torch.tensor([NUMBER[p.name] for p in phones])
        begin[i, :n] = torch.tensor([p.start for p in phones])
        end[i, :n] = torch.tensor([p.end for p in phones])
        loud[i, :n] = torch.from_numpy(loudness(phones, clip.samples)).float()
        real[i, :n] = 1
        measured[i] = torch.from_numpy(measured_tracks(clip)[:frames]).float()
    first = default_rules()
    target = torch.tensor(first.target, dtype=torch.float32, requires_grad=True)
    logs = [
        torch.tensor(np.log(x), dtype=torch.float32, requires_grad=True)
        for x in (first.strength, first.before, first.after)
    ]
    gain = torch.tensor(first.loudness, requires_grad=True)
    start = [x.detach().clone() for x in (target, *logs)]
    scale = measured.std(dim=(0, 1))
    optimiser = torch.optim.Adam([target, *logs, gain], rate)
    rng = np.random.default_rng(0)
    # The corpus has few words. Without a bound a phone may absorb its neighbour's closure.
    least = torch.full((len(PHONES), 1), MIN_OPENING)
    least[[NUMBER[p] for p in (*BILABIAL, SILENCE)]] = 0.0
    least[[NUMBER[p] for p in (*LABIODENTAL, "W")]] = MIN_OPENING_LABIODENTAL

    def run(pick: Tensor) -> Tensor:
        at = torch.arange(frames)[None, :, None] / FPS
        early = (begin[pick][:, None] - at).clamp_min(0)
        late = (at - end[pick][:, None]).clamp_min(0)
        out = []
        for k in range(len(TRACKS)):
            n = number[pick]
            t = target[n, k] * (1 + gain * loud[pick] if k < 2 else 1)
            fade = logs[1][n, k].exp()[:, None] * early + logs[2][n, k].exp()[:, None] * late
            d = (logs[0][n, k] * 1.0).exp()[:, None] * torch.exp(-fade.clamp_max(30))
            d = d * real[pick][:, None]
            out.append((d * t[:, None]).sum(-1) / (d.sum(-1) + 1e-6))
        return torch.stack(out, dim=-1)

    for _ in range(steps):
        pick = torch.from_numpy(rng.choice(len(clips), 48, replace=False))
        error = (run(pick) - measured[pick]) / scale
        stay = 0.006 * (((target - start[0]) / 0.1) ** 2).mean()
        stay = stay + sum(
            0.02 * ((x - x0) ** 2).mean() for x, x0 in zip(logs, start[1:], strict=True)
        )
        loss = (error**2).mean() + stay
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        with torch.no_grad():
            target[:, :2] = torch.maximum(target[:, :2], least)
    with torch.no_grad():
        got = run(torch.arange(len(clips)))
    quality = {
        name: float(np.corrcoef(got[..., k].flatten(), measured[..., k].flatten())[0, 1])
        for k, name in enumerate(TRACKS)
    }
    parts = [p.detach().double().numpy() for p in (target, *(x.exp() for x in logs))]
    return Rules(parts[0], parts[1], parts[2], parts[3], float(gain.detach())), quality
