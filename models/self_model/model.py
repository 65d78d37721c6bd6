"""What this face does: actuator commands -> 478 landmarks in mm, with memory, Jacobian and doubt.

    x   = commands of what moves skin (the neck does not), tendons replaced by their pull
    h   = tanh(W2 tanh(W1 x + b1) + b2)
    phi = [x, x^2, x^3, x^4, h, 1]     features (F,): each lever's own curve, then how they mix
    z   = phi A                        latents (K,), K <= 64
    y   = mean + z D                   landmarks (478, 3) in mm, head frame

The pull is the state of a play operator (mien.models.self_model.hysteresis) with learned widths:
one number per tendon
carries all that the past matters. Doubt is that of Bayesian linear regression on phi: the error of
y at a new x has the variance noise^2 * phi' S phi, S = (Phi' Phi + ridge)^-1 over the training
set, so it grows where nothing was seen. This file is numpy alone: the running face and the tests
evaluate it from the weights that torch left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.self_model.hysteresis import Play

Floats = NDArray[np.float64]
KIND = "self_model"
MAX_LATENTS = 64
POWERS = 4
"""Of each lever's own curve: a string that starts slack bends more than a cubic does."""


@dataclass(frozen=True, eq=False)
class SelfModel:
    """A fitted face. Commands are always in the order of ``names``, neck included.

    Attributes:
        names: (n,) actuator names.
        inputs: (m,) which of them move skin.
        tendons: (k,) positions in ``inputs`` that are strings.
        play: their memory.
        w1 (H1, m), b1, w2 (H2, H1), b2: hidden layers.
        out: (F, K) phi -> latents.
        mean: (478, 3) and decoder (K, 1434): latents -> landmarks in mm.
        doubt: (F, F) with S = doubt' doubt, rows by falling size.
        noise: (K,) mm, residual of each latent on the training set.
        neck: (9, 6) quadratic map of the three neck commands to the head's rotation vector (rad)
            and shift (mm), or (0, 6) for a face without a neck.
        meta: what the checkpoint says about itself.
    """

    names: tuple[str, ...]
    inputs: NDArray[np.intp]
    tendons: NDArray[np.intp]
    play: Play
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    out: Floats
    mean: Floats
    decoder: Floats
    doubt: Floats
    noise: Floats
    neck: Floats
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of actuators, neck included."""
        return len(self.names)

    def rest(self) -> Floats:
        """(k,) memory of a face whose strings were never pulled."""
        return self.play.rest()

    def advance(self, memory: Floats, commands: Floats) -> Floats:
        """Memory (k,) after the commands moved monotonically to ``commands`` (n,)."""
        return self.play.advance(memory, commands[self.inputs[self.tendons]])

    def drive(self, commands: Floats, memory: Floats | None = None) -> Floats:
        """Network inputs x (..., m) of commands (..., n), from ``memory`` or from rest."""
        x = np.array(commands[..., self.inputs], dtype=np.float64)
        if len(self.tendons):
            start = self.rest() if memory is None else memory
            x[..., self.tendons] = self.play.advance(start, x[..., self.tendons])
        return x

    def features(self, x: Floats) -> Floats:
        """phi (..., F) of network inputs x (..., m)."""
        h = np.tanh(np.tanh(x @ self.w1.T + self.b1) @ self.w2.T + self.b2)
        one = np.ones((*x.shape[:-1], 1), dtype=x.dtype)
        own = [x**power for power in range(1, POWERS + 1)]
        return np.concatenate([*own, h, one], axis=-1)

    def latents(self, x: Floats) -> Floats:
        """z (..., K) of network inputs x (..., m)."""
        return np.asarray(self.features(x) @ self.out)

    def decode(self, z: Floats) -> Floats:
        """Landmarks (..., 478, 3) in mm of latents (..., K)."""
        return np.asarray(self.mean + (z @ self.decoder).reshape(*z.shape[:-1], COUNT, 3))

    def landmarks(self, commands: Floats, memory: Floats | None = None) -> Floats:
        """Landmarks (..., 478, 3) in mm of commands (..., n).

        Args:
            commands: in [-1, 1].
            memory: (k,) pull of the strings before this move (see ``advance``); None: from rest.

        Raises:
            ModelError: a wrong number of commands, or not finite.
        """
        self._check(commands)
        return self.decode(self.latents(self.drive(commands, memory)))

    def sequence(self, commands: Floats, memory: Floats | None = None) -> Floats:
        """Landmarks (T, 478, 3) of commands (T, n) that follow one another."""
        self._check(commands)
        x = np.array(commands[:, self.inputs], dtype=np.float64)
        if len(self.tendons):
            x[:, self.tendons] = self.play.scan(x[:, self.tendons], memory)
        return self.decode(self.latents(x))

    def latent_jacobian(self, x: Floats) -> Floats:
        """dz/dx (..., m, K): row j is what input j does to the latents."""
        m = len(self.inputs)
        by_power = self.out[: POWERS * m].reshape(POWERS, m, -1)
        own = sum(
            (power + 1) * x[..., None] ** power * field for power, field in enumerate(by_power)
        )
        return np.asarray(own + self.hidden_jacobian(x) @ self.out[POWERS * m : -1])

    def hidden_jacobian(self, x: Floats) -> Floats:
        """dh/dx (..., m, H2)."""
        h1 = np.tanh(x @ self.w1.T + self.b1)
        h2 = np.tanh(h1 @ self.w2.T + self.b2)
        inner = self.w1.T * (1.0 - h1**2)[..., None, :]
        return np.asarray((inner @ self.w2.T) * (1.0 - h2**2)[..., None, :])

    def jacobian(self, commands: Floats, memory: Floats | None = None) -> Floats:
        """d landmarks / d commands (478, 3, n) in mm; zero for the neck and inside a play."""
        self._check(commands)
        slope = np.ones(len(self.inputs))
        if len(self.tendons):
            start = self.rest() if memory is None else memory
            slope[self.tendons] = self.play.slope(start, commands[self.inputs[self.tendons]])
        by_input = self.latent_jacobian(self.drive(commands, memory)) @ self.decoder
        out = np.zeros((COUNT, 3, self.n))
        out[..., self.inputs] = np.moveaxis(
            (by_input * slope[:, None]).reshape(-1, COUNT, 3), 0, -1
        )
        return out

    def novelty(self, x: Floats) -> Floats:
        """phi' S phi (...): 0 where much was seen, 1 where one more pose would halve the doubt."""
        return np.asarray(np.square(self.features(x) @ self.doubt.T).sum(-1))

    def uncertainty(self, commands: Floats, memory: Floats | None = None) -> Floats:
        """(..., 478) mm: standard deviation of what the model does not know, per landmark."""
        self._check(commands)
        q = self.novelty(self.drive(commands, memory))
        return np.asarray(np.sqrt(q)[..., None] * self._noise_mm)

    def head(self, commands: Floats) -> Floats:
        """4x4 pose (mm) of the head for commands (n,), from the neck's; identity without a neck."""
        pose = np.eye(4)
        if not len(self.neck):
            return pose
        at = [self.names.index(name) for name in NECK]
        v = neck_features(np.asarray(commands, dtype=np.float64)[at]) @ self.neck
        pose[:3, :3], pose[:3, 3] = rotation(v[:3]), v[3:]
        return pose

    @cached_property
    def _noise_mm(self) -> Floats:
        per_axis = (self.noise[:, None] * self.decoder).reshape(-1, COUNT, 3)
        return np.asarray(np.sqrt(np.square(per_axis).sum((0, 2))))

    def _check(self, commands: Floats) -> None:
        if commands.shape[-1:] != (self.n,):
            raise ModelError(
                f"commands have shape {commands.shape}, this face has {self.n} actuators"
            )
        if not np.isfinite(commands).all():
            raise ModelError("commands hold NaN or infinity")


NECK = ("neck_yaw", "neck_pitch", "neck_roll")
_TENSORS = ("w1", "b1", "w2", "b2", "out", "mean", "decoder", "doubt", "noise", "neck")


def neck_features(commands: Floats) -> Floats:
    """(..., 9): the three neck commands, their squares and products."""
    a, b, c = np.moveaxis(commands, -1, 0)
    return np.stack([a, b, c, a * a, b * b, c * c, a * b, b * c, a * c], axis=-1)


def rotation(vector: Floats) -> Floats:
    """3x3 rotation of a rotation vector (3,) in rad (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k))


def save(path: Path, model: SelfModel) -> None:
    """Write a model as float32 safetensors; ``model.meta`` must name face and face_hash."""
    tensors: dict[str, Any] = {k: np.asarray(getattr(model, k), np.float32) for k in _TENSORS}
    tensors["play_width"] = np.asarray(model.play.width, np.float32)
    tensors["play_growth"] = np.asarray(model.play.growth, np.float32)
    layout = {
        "kind": KIND,
        "version": 1,
        "names": list(model.names),
        "inputs": model.inputs.tolist(),
        "tendons": model.tendons.tolist(),
    }
    checkpoint.save(path, tensors, model.meta | layout)


def load(path: Path, face: str, face_hash: str) -> SelfModel:
    """Read the self-model of a face.

    Raises:
        ModelError: missing, damaged, or made for another face or another build of it.
    """
    again = f"mien calibrate all --face {face}"
    if not path.is_file():
        raise ModelError(f"face {face} has no self-model at {path}", again)
    model = read(path)
    meta = model.meta
    if meta.get("face") != face or meta.get("face_hash") != face_hash:
        raise ModelError(
            f"{path.name} was made for face {meta.get('face')} ({meta.get('face_hash')}), "
            f"this face is {face} ({face_hash}); make its own with `{again}`",
            again,
        )
    return model


def read(path: Path) -> SelfModel:
    """Read a self-model, whoever's it is.

    Raises:
        ModelError: missing or damaged.
    """
    t, meta = checkpoint.load(path, KIND)
    try:
        wide = {k: np.asarray(t[k], np.float64) for k in (*_TENSORS, "play_width", "play_growth")}
        play = Play(wide.pop("play_width"), wide.pop("play_growth"))
        wide |= _raised(wide["out"], wide["doubt"], len(meta["inputs"]), len(wide["b2"]))
        return SelfModel(
            names=tuple(meta["names"]),
            inputs=np.array(meta["inputs"], dtype=np.intp),
            tendons=np.array(meta["tendons"], dtype=np.intp),
            play=play,
            meta=meta,
            **wide,
        )
    except KeyError as e:
        raise ModelError(f"{path.name} is damaged: it lacks {e}", "mien calibrate all") from e


def _raised(out: Floats, doubt: Floats, inputs: int, hidden: int) -> dict[str, Floats]:
    """``out`` and ``doubt`` of a model that was fitted with fewer powers: the others do nothing."""
    have = (len(out) - hidden - 1) // max(inputs, 1)
    at = [have * inputs] * ((POWERS - have) * inputs)
    return {"out": np.insert(out, at, 0.0, axis=0), "doubt": np.insert(doubt, at, 0.0, axis=1)}


def shipped(face: str) -> Path:
    """Where the self-model of a face lies when it ships with the package."""
    return checkpoint.WEIGHTS / f"self_model_{face}.safetensors"
