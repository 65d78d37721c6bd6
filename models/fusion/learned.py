"""A learned fusion of speech and expression, after Mao et al. (2025, arXiv 2510.25234).

Their second stage writes a deformation as ``B_A w_A + B_E w_E``: two bases, of speech and of
expression, with weights from two encoders, sparse where a domain reaches into the other's. No code
of theirs was found; this is a small version on ARKit weights:

    D(S, E, v) = w_A(S, E, v) B_A + w_E(S, E, v) B_E          w >= 0
    out = S + E + D(S, E, v) - D(S, 0, v) - D(0, E, 0) + D(0, 0, 0)

The bases are learned so that D(S, 0, v) is about S and D(0, E, 0) about E; what the last line adds
to the plain sum is only what the two domains do to each other. So no expression leaves speech as
it was and a silent face shows the expression as it is, exactly, whatever was learned. Closures are
not left to learning either: ``mien.models.fusion.rules.sealed`` has the last word. It is trained by
``mien.models.train.fusion.train``; numpy is enough to run it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, GROUPS, SPEECH, indices
from mien.models.fusion.rules import closure, sealed

Floats = NDArray[np.float64]

KIND: Final = "fusion"
WEIGHTS: Final = checkpoint.WEIGHTS / "fusion.safetensors"
SPEECH_INDICES: Final = indices(SPEECH)
INPUTS: Final = len(SPEECH_INDICES) + 2 + len(ARKIT)
"""Speech shapes, meant closure, voice; then the expression."""
INTERACTION_MASK: Final = np.isin(
    np.arange(len(ARKIT)), indices([*SPEECH, *GROUPS["cheeks"], *GROUPS["nose"]])
)
"""(52,) shapes where the two domains meet; brows and eyes are never speech's."""
LAYERS: Final = ("a1", "a2", "e1", "e2")


def inputs(speech: Floats, expression: Floats, voice: Floats) -> Floats:
    """(T, 52), (T, 52), (T,) -> (T, INPUTS) as both encoders see them."""
    meant = closure(speech, voice)[:, None]
    return np.concatenate([speech[:, SPEECH_INDICES], meant, voice[:, None], expression], axis=1)


@dataclass(frozen=True)
class LearnedFusion:
    """The trained fusion; call it like those of ``mien.models.fusion.rules``.

    Attributes:
        weight, bias: of the two encoders' two layers, by :data:`LAYERS`.
        basis_speech: (K_A, 52).
        basis_expression: (K_E, 52).
        meta: of the file: corpus, seed, losses.
    """

    weight: dict[str, Floats]
    bias: dict[str, Floats]
    basis_speech: Floats
    basis_expression: Floats
    meta: dict[str, Any]

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> LearnedFusion:
        """Read trained weights.

        Raises:
            ModelError: missing, unreadable, or not a fusion of these 52 shapes.
        """
        arrays, meta = checkpoint.load(path, KIND)
        tensors = {k: np.asarray(v, np.float64) for k, v in arrays.items()}
        expected = {"basis_speech", "basis_expression"} | {
            f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")
        }
        if set(tensors) != expected or tensors["a1.weight"].shape[1] != INPUTS:
            raise ModelError(f"{path} is not a fusion of {INPUTS} inputs", "mien doctor")
        return cls(
            {layer: tensors[f"{layer}.weight"] for layer in LAYERS},
            {layer: tensors[f"{layer}.bias"] for layer in LAYERS},
            tensors["basis_speech"],
            tensors["basis_expression"],
            meta,
        )

    def __call__(self, speech: Floats, expression: Floats, voice: Floats) -> Floats:
        """(T, 52), (T, 52), (T,) -> (T, 52) in 0..1."""
        silent, none = np.zeros_like(speech), np.zeros_like(voice)
        parts = (
            (1.0, inputs(speech, expression, voice)),
            (-1.0, inputs(speech, silent, voice)),
            (-1.0, inputs(silent, expression, none)),
        )
        blended = sum(sign * self.deformation(x) for sign, x in parts)
        rest = self.deformation(np.zeros((1, INPUTS)))
        # Where nothing is felt the terms cancel to a rounding error; make it none at all.
        active = expression.any(axis=-1, keepdims=True)
        change = np.where(active, blended + rest, 0.0) * INTERACTION_MASK
        blended = np.clip(speech + expression + change, 0.0, 1.0)
        return sealed(speech, voice, blended)

    def deformation(self, x: Floats) -> Floats:
        """``B_A w_A + B_E w_E``, (T, INPUTS) -> (T, 52)."""
        w_a, w_e = self.codes(x)
        return np.asarray(w_a @ self.basis_speech + w_e @ self.basis_expression)

    def codes(self, x: Floats) -> tuple[Floats, Floats]:
        """(T, INPUTS) -> weights of the speech basis (T, K_A), of the expression basis (T, K_E)."""
        return self._encode(x, "a"), self._encode(x, "e")

    def _encode(self, x: Floats, side: str) -> Floats:
        hidden = np.maximum(x @ self.weight[side + "1"].T + self.bias[side + "1"], 0.0)
        return np.maximum(hidden @ self.weight[side + "2"].T + self.bias[side + "2"], 0.0)
