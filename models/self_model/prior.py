"""What robots of one design have in common: a Gaussian prior over their self-models.

    A = mean + sum_g c_g U_g,   b1 = b + sum_g c_g v_g,   c ~ N(0, S)

A (F, K) are the last-layer weights of the self-model (mien.models.self_model.model), features ->
latents, and b1 (H1,) is the bias of its first layer. The other weights and the modes are common to
all robots of the design; a robot is its coefficients c (G,). Each direction U_g moves the weights
of one group of features: the powers of one actuator, or the hidden units.
``mien.models.train.prior.prior_fit`` learns the prior from simulated builds, and
``prior_inference`` finds the coefficients of a robot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.face.regions import COUNT
from mien.models.reading.arrays import check_shapes
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.model import POWERS, Floats, SelfModel

KIND = "self_model_prior"
_TENSORS = (
    "w1",
    "b1",
    "w2",
    "b2",
    "mean",
    "decoder",
    "rest",
    "own",
    "mixed",
    "shift",
    "root",
    "truncated",
    "seen",
    "dots",
    "seen_dots",
)
# m inputs, k tendons, H1 and H2 hidden units, F features, K latents, P and Q directions, G = P + Q.
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "w1": ("H1", "m"), "b1": ("H1",), "w2": ("H2", "H1"), "b2": ("H2",), "mean": ("F", "K"),
    "decoder": ("K", 3 * COUNT), "rest": (COUNT, 3), "own": ("P", POWERS, "K"),
    "mixed": ("Q", "H2", "K"), "shift": ("G", "H1"), "root": ("G", "G"), "truncated": ("K",),
    "seen": ("K", "K"), "dots": ("D", 3 * COUNT), "seen_dots": ("K", "K"),
    "play_width": ("k",), "play_growth": ("k",),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Prior:
    """The prior of a design. Commands are always in the order of ``names``, neck included.

    Attributes:
        names: (n,) actuator names.
        inputs: (m,) indices of the actuators that move landmarks.
        tendons: (k,) positions in ``inputs`` of the tendons.
        play: (k,) mean play operators of the tendons.
        w1 (H1, m), b1 (H1,), w2 (H2, H1), b2 (H2,): hidden layers.
        mean: (F, K) mean last-layer weights.
        decoder: (K, 1434) mm, latents -> displacement of the landmarks from rest.
        rest: (478, 3) mm, mean landmarks at rest.
        own: (P, POWERS, K) directions of single actuators' polynomials.
        owner: (P,) input that each of them belongs to.
        mixed: (Q, H2, K) directions of the hidden units.
        shift: (P + Q, H1) change of the first layer's bias for a coefficient of 1.
        root: (P + Q, P + Q) square root R of the covariance S = R R'.
        truncated: (K,) mm, standard deviation of what no robot's weights explain.
        seen: (K, K) latents -> mean latents that the face tracker sees, its bias taken off.
        dots: (D, 1434) mm: D' D is the covariance of the errors of landmarks found from dots on
            the skin; without rows it was not learned.
        seen_dots: (K, K) latents -> mean latents that the dots show.
        meta: metadata of the file.
    """

    names: tuple[str, ...]
    inputs: NDArray[np.intp]
    tendons: NDArray[np.intp]
    play: PlayOperator
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    mean: Floats
    decoder: Floats
    rest: Floats
    own: Floats
    owner: NDArray[np.intp]
    mixed: Floats
    shift: Floats
    root: Floats
    truncated: Floats
    seen: Floats
    dots: Floats
    seen_dots: Floats
    meta: dict[str, Any] = field(default_factory=dict)

    def latents(self, x: Floats, coefficients: Floats) -> Floats:
        """Latents (N, K) of network inputs (N, m) for a robot with coefficients (G,)."""
        return np.asarray(self.robot(coefficients).latents(x))

    def design(self, x: Floats, coefficients: Floats) -> Floats:
        """Derivatives (N, G, K) of the latents by the coefficients, for inputs (N, m)."""
        m = len(self.inputs)
        robot = self.robot(coefficients)
        own_powers = np.stack([x**p for p in range(1, POWERS + 1)], axis=1)
        own = np.einsum("npg,gpk->ngk", own_powers[:, :, self.owner], self.own, optimize=True)
        h1 = np.tanh(x @ robot.w1.T + robot.b1)
        h2 = np.tanh(h1 @ robot.w2.T + robot.b2)
        mixed = np.tensordot(h2, self.mixed, axes=(1, 1))
        hidden = robot.out[POWERS * m : -1]
        inner = (1.0 - h1**2)[:, None] * self.shift @ robot.w2.T  # (N, G, H2)
        moved = (inner * (1.0 - h2**2)[:, None]) @ hidden
        return np.concatenate([own, mixed], axis=1) + moved

    def weights(self, coefficients: Floats) -> Floats:
        """Last-layer weights (F, K) of a robot with coefficients (G,)."""
        m, count = len(self.inputs), len(self.own)
        own = np.zeros((m, POWERS, self.own.shape[2]))
        np.add.at(own, self.owner, coefficients[:count, None, None] * self.own)
        out = self.mean.copy()
        out[: POWERS * m] += own.transpose(1, 0, 2).reshape(POWERS * m, -1)
        out[POWERS * m : -1] += np.tensordot(coefficients[count:], self.mixed, axes=1)
        return out

    def nominal(self) -> SelfModel:
        """The self-model of the mean robot, which no observation has changed."""
        return self.robot(np.zeros(len(self.root)))

    def robot(self, coefficients: Floats) -> SelfModel:
        """The self-model of a robot with coefficients (G,), without its uncertainty."""
        features = len(self.mean)
        return SelfModel(
            names=self.names,
            inputs=self.inputs,
            tendons=self.tendons,
            play=self.play,
            w1=self.w1,
            b1=self.b1 + coefficients @ self.shift,
            w2=self.w2,
            b2=self.b2,
            out=self.weights(coefficients),
            mean=self.rest,
            decoder=self.decoder,
            covariance_factor=np.zeros((features, features)),
            noise=self.truncated,
            neck=np.zeros((0, 6)),
            meta=self.meta,
        )


def save(path: Path, prior: Prior) -> None:
    """Write a prior as float16 safetensors. ``prior.meta`` must hold ``face`` and ``face_hash``."""
    tensors = {name: np.asarray(getattr(prior, name), np.float16) for name in _TENSORS}
    tensors |= {
        "play_width": np.asarray(prior.play.half_width, np.float32),
        "play_growth": np.asarray(prior.play.growth, np.float32),
    }
    layout = {
        "kind": KIND,
        "version": checkpoint.NEWEST[KIND],
        "names": list(prior.names),
        "inputs": prior.inputs.tolist(),
        "tendons": prior.tendons.tolist(),
        "owner": prior.owner.tolist(),
    }
    checkpoint.save(path, tensors, prior.meta | layout)


def load(path: Path) -> Prior:
    """Read a prior.

    Raises:
        ModelError: the file is missing or damaged.
    """
    t, meta = checkpoint.load(path, KIND)
    indices: dict[str, Any] = {
        name: np.array(meta[name], np.intp) for name in ("inputs", "tendons", "owner")
    }
    sizes = {"m": len(indices["inputs"]), "k": len(indices["tendons"]), "P": len(indices["owner"])}
    t.pop("play_spread", None)  # of old files, where nothing used it
    t.setdefault("shift", np.zeros((len(t["root"]), len(t["b1"])), np.float16))
    t.setdefault("dots", np.zeros((0, 3 * COUNT), np.float16))
    for name in ("seen", "seen_dots"):
        t.setdefault(name, np.eye(len(t["truncated"]), dtype=np.float16))
    check_shapes(path, t, _SHAPES, **sizes)
    wide: dict[str, Any] = {name: np.asarray(t[name], np.float64) for name in t}
    return Prior(
        names=tuple(meta["names"]),
        play=PlayOperator(wide.pop("play_width"), wide.pop("play_growth")),
        meta=meta,
        **indices,
        **wide,
    )


def shipped(face: str) -> Path:
    """Path of the prior that ships with the package for a face."""
    return checkpoint.WEIGHTS / f"prior_{face}.safetensors"
