"""The forward model of one face: actuator commands -> 478 landmarks in mm.

    x   = network inputs (m,): commands of the actuators that move skin; a tendon's pull
    h   = tanh(W2 tanh(W1 x + b1) + b2)
    phi = [x, x^2, x^3, x^4, h, 1]     features (F,): a polynomial per actuator, then their mixing
    z   = phi A                        latents (K,), K <= 64
    y   = mean + z D                   landmarks (478, 3) in mm, head frame

A tendon's pull is the state of a play operator (mien.models.self_model.hysteresis). This one number
per tendon carries the whole influence of past commands. The neck moves the head and no skin, so it
is no network input.

The predictive variance is that of Bayesian linear regression on phi. The error of y at x has the
variance noise^2 * phi' S phi with S = (Phi' Phi + ridge)^-1 over the training set. It is large
where the training set has no poses.

This file needs numpy only. Torch trains the weights (mien.models.self_model.network) and is not
needed to evaluate them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.self_model import model_file
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.model_file import MAX_LATENTS as MAX_LATENTS
from mien.models.self_model.model_file import POWERS as POWERS
from mien.models.self_model.neck import NECK, neck_features, rotation
from mien.models.threads import one_thread
from mien.models.user_folders import data_folder

Floats = NDArray[np.float64]
KIND = "self_model"


@dataclass(frozen=True, eq=False)
class SelfModel:
    """A fitted self-model. Commands are always in the order of ``names``, neck included.

    Attributes:
        names: (n,) actuator names.
        inputs: (m,) indices of the actuators that move skin.
        tendons: (k,) positions in ``inputs`` of the tendons.
        play: (k,) play operators of the tendons.
        w1 (H1, m), b1 (H1,), w2 (H2, H1), b2 (H2,): hidden layers.
        out: (F, K) features -> latents.
        mean: (478, 3) mm, landmarks at latent 0.
        decoder: (K, 1434) mm, latents -> displacement of the landmarks.
        covariance_factor: (F, F) factor L of the posterior covariance S = L' L, rows by falling
            norm.
        noise: (K,) mm, standard deviation of each latent's residual on the training set.
        neck: (9, 6) quadratic map of the three neck commands to the head's rotation vector (rad)
            and translation (mm); (0, 6) for a face without a neck.
        meta: metadata of the checkpoint.
    """

    names: tuple[str, ...]
    inputs: NDArray[np.intp]
    tendons: NDArray[np.intp]
    play: PlayOperator
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    out: Floats
    mean: Floats
    decoder: Floats
    covariance_factor: Floats
    noise: Floats
    neck: Floats
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of actuators, neck included."""
        return len(self.names)

    def rest(self) -> Floats:
        """Tendon state (k,) of a face whose tendons were never pulled."""
        return self.play.rest()

    def advance(self, tendon_state: Floats, commands: Floats) -> Floats:
        """Tendon state (k,) after the commands have moved monotonically to ``commands`` (n,)."""
        return self.play.advance(tendon_state, commands[self.inputs[self.tendons]])

    def network_inputs(self, commands: Floats, tendon_state: Floats | None = None) -> Floats:
        """Network inputs x (..., m) of commands (..., n).

        Args:
            commands: in [-1, 1].
            tendon_state: (k,) before this move; None: the tendons start from rest.
        """
        x = np.array(commands[..., self.inputs], dtype=np.float64)
        if len(self.tendons):
            start = self.rest() if tendon_state is None else tendon_state
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

    @one_thread
    def landmarks(self, commands: Floats, tendon_state: Floats | None = None) -> Floats:
        """Landmarks (..., 478, 3) in mm of commands (..., n).

        Args:
            commands: in [-1, 1].
            tendon_state: (k,) pulls before this move (see ``advance``); None: from rest.

        Raises:
            ModelError: the number of commands is wrong, or a command is not finite.
        """
        self._check(commands)
        return self.decode(self.latents(self.network_inputs(commands, tendon_state)))

    @one_thread
    def sequence(self, commands: Floats, tendon_state: Floats | None = None) -> Floats:
        """Landmarks (T, 478, 3) in mm of commands (T, n) that follow one another."""
        self._check(commands)
        x = np.array(commands[:, self.inputs], dtype=np.float64)
        if len(self.tendons):
            x[:, self.tendons] = self.play.scan(x[:, self.tendons], tendon_state)
        return self.decode(self.latents(x))

    def latent_jacobian(self, x: Floats) -> Floats:
        """Jacobian dz/dx (..., m, K): row j is the effect of input j on the latents."""
        m = len(self.inputs)
        by_power = self.out[: POWERS * m].reshape(POWERS, m, -1)
        own = sum(
            (power + 1) * x[..., None] ** power * field for power, field in enumerate(by_power)
        )
        return np.asarray(own + self.hidden_jacobian(x) @ self.out[POWERS * m : -1])

    def hidden_jacobian(self, x: Floats) -> Floats:
        """Jacobian dh/dx (..., m, H2) of the second hidden layer."""
        h1 = np.tanh(x @ self.w1.T + self.b1)
        h2 = np.tanh(h1 @ self.w2.T + self.b2)
        inner = self.w1.T * (1.0 - h1**2)[..., None, :]
        return np.asarray((inner @ self.w2.T) * (1.0 - h2**2)[..., None, :])

    def predictive_variance(self, x: Floats) -> Floats:
        """phi' S phi (...), in units of ``noise`` squared.

        It is near 0 where the training set is dense. Where it is 1, one more pose would halve it.
        """
        return np.asarray(np.square(self.features(x) @ self.covariance_factor.T).sum(-1))

    def head(self, commands: Floats) -> Floats:
        """Head pose (4, 4), translation in mm, of commands (n,); identity without a neck."""
        pose = np.eye(4)
        if not len(self.neck):
            return pose
        at = [self.names.index(name) for name in NECK]
        v = neck_features(np.asarray(commands, dtype=np.float64)[at]) @ self.neck
        pose[:3, :3], pose[:3, 3] = rotation(v[:3]), v[3:]
        return pose

    def _check(self, commands: Floats) -> None:
        if commands.shape[-1:] != (self.n,):
            raise ModelError(
                f"commands have shape {commands.shape}, this face has {self.n} actuators"
            )
        if not np.isfinite(commands).all():
            raise ModelError("commands hold NaN or infinity")


# Field -> tensor of the file. The format's first version named the tensors.
_TENSORS = {
    name: name for name in ("w1", "b1", "w2", "b2", "out", "mean", "decoder", "noise", "neck")
} | {"covariance_factor": "doubt"}


def save(path: Path, model: SelfModel) -> None:
    """Write a model as float32 safetensors. ``model.meta`` must hold ``face`` and ``face_hash``."""
    tensors: dict[str, Any] = {
        tensor: np.asarray(getattr(model, name), np.float32) for name, tensor in _TENSORS.items()
    }
    tensors["play_width"] = np.asarray(model.play.half_width, np.float32)
    tensors["play_growth"] = np.asarray(model.play.growth, np.float32)
    layout = {
        "kind": KIND,
        "version": checkpoint.NEWEST[KIND],
        "names": list(model.names),
        "inputs": model.inputs.tolist(),
        "tendons": model.tendons.tolist(),
    }
    checkpoint.save(path, tensors, model.meta | layout)


def load(path: Path, face: str, hashes: tuple[str, ...], again: str = "") -> SelfModel:
    """Read the self-model of a face.

    Args:
        path: safetensors.
        face: its name.
        hashes: hashes of the face that it may have been made for, the present one first.
        again: command that makes one; errors name it.

    Raises:
        ModelError: the file is missing or damaged, or it was made for another face or face hash.
    """
    again = again or f"mien calibrate all --face {face}"
    if not path.is_file():
        raise ModelError(f"face {face} has no self-model at {path}", again)
    model = read(path)
    meta = model.meta
    if meta.get("face") != face or meta.get("face_hash") not in hashes:
        raise ModelError(
            f"{path.name} was made for face {meta.get('face')} ({meta.get('face_hash')}), "
            f"this face is {face} ({hashes[0]}); make its own with `{again}`",
            again,
        )
    return model


def read(path: Path) -> SelfModel:
    """Read a self-model of any face.

    Raises:
        ModelError: the file is missing or damaged.
    """
    t, meta = checkpoint.load(path, KIND)
    names, inputs, tendons = model_file.checked(path, t, meta)
    width, growth = (np.asarray(t[name], np.float64) for name in ("play_width", "play_growth"))
    wide = {name: np.asarray(t[tensor], np.float64) for name, tensor in _TENSORS.items()}
    wide |= _padded(wide["out"], wide["covariance_factor"], len(inputs), len(wide["b2"]))
    return SelfModel(
        names=names,
        inputs=np.array(inputs, dtype=np.intp),
        tendons=np.array(tendons, dtype=np.intp),
        play=PlayOperator(width, growth),
        meta=meta,
        **wide,
    )


def _padded(out: Floats, factor: Floats, inputs: int, hidden: int) -> dict[str, Floats]:
    """``out`` and ``covariance_factor`` with zeros for the powers that an old file lacks."""
    have = (len(out) - hidden - 1) // max(inputs, 1)
    at = [have * inputs] * ((POWERS - have) * inputs)
    return {
        "out": np.insert(out, at, 0.0, axis=0),
        "covariance_factor": np.insert(factor, at, 0.0, axis=1),
    }


def installed(face: str) -> Path:
    """Path of the self-model that a user calibrated: in the user's data folder, never among the
    files of the package."""
    return data_folder() / f"self_model_{face}.safetensors"


def shipped(face: str) -> Path:
    """Path of the self-model that ships with the package for a face."""
    return checkpoint.WEIGHTS / f"self_model_{face}.safetensors"
