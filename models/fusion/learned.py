"""A learned fusion of speech and expression, after Mao et al. (2025, arXiv 2510.25234).

The second stage of the paper writes a deformation as ``B_A w_A + B_E w_E``. There are two bases, of
speech and of expression. Two encoders compute the weights, which are sparse between the domains.
The authors published no code. This is a small version on ARKit weights:

    D(S, E, v) = w_A(S, E, v) B_A + w_E(S, E, v) B_E          w >= 0
    out = S + E + D(S, E, v) - D(S, 0, v) - D(0, E, 0) + D(0, 0, 0)

Training makes D(S, 0, v) about S and D(0, E, 0) about E. The last line therefore adds only the
interaction of the two domains to the plain sum. Without an expression the output is exactly S; in
silence it is exactly E. ``mien.models.fusion.rules.sealed`` is applied last and keeps lip closures.
``mien.models.train.fusion.train`` trains the weights. Inference needs numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.face.blendshapes import ARKIT, GROUPS, SPEECH, indices
from mien.models.fusion.rules import closure, sealed
from mien.models.reading.arrays import check_shapes

Floats = NDArray[np.float64]

KIND: Final = "fusion"
WEIGHTS: Final = checkpoint.WEIGHTS / "fusion.safetensors"
SPEECH_INDICES: Final = indices(SPEECH)
INPUTS: Final = len(SPEECH_INDICES) + 2 + len(ARKIT)
"""Size of the input: speech shapes, intended closure, voice, expression."""
INTERACTION_MASK: Final = np.isin(
    np.arange(len(ARKIT)), indices([*SPEECH, *GROUPS["cheeks"], *GROUPS["nose"]])
)
"""(52,) mask of the shapes that both domains move. Brows and eyes are not among them."""
LAYERS: Final = ("a1", "a2", "e1", "e2")
_LAYOUT: Final[dict[str, tuple[int | str, ...]]] = {
    "a1.weight": ("hidden_a", INPUTS), "a1.bias": ("hidden_a",),
    "a2.weight": ("speech", "hidden_a"), "a2.bias": ("speech",),
    "e1.weight": ("hidden_e", INPUTS), "e1.bias": ("hidden_e",),
    "e2.weight": ("expression", "hidden_e"), "e2.bias": ("expression",),
    "basis_speech": ("speech", len(ARKIT)), "basis_expression": ("expression", len(ARKIT)),
}  # fmt: skip


def inputs(speech: Floats, expression: Floats, voice: Floats) -> Floats:
    """Input (T, INPUTS) of both encoders, from (T, 52), (T, 52) and (T,)."""
    meant = closure(speech, voice)[:, None]
    return np.concatenate([speech[:, SPEECH_INDICES], meant, voice[:, None], expression], axis=1)


@dataclass(frozen=True)
class LearnedFusion:
    """The trained fusion, called like the fusions of ``mien.models.fusion.rules``.

    Attributes:
        weight, bias: parameters of the encoders by name of the layer (:data:`LAYERS`).
        basis_speech: (K_A, 52).
        basis_expression: (K_E, 52).
        meta: metadata of the file: corpus, seed, losses.
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
            ModelError: the file is missing, unreadable, or not a fusion of these 52 shapes.
        """
        arrays, meta = checkpoint.load(path, KIND)
        tensors = {k: np.asarray(v, np.float64) for k, v in arrays.items()}
        check_shapes(path, tensors, _LAYOUT)
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
        # Without an expression the terms cancel up to rounding. This makes the change exactly 0.
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
