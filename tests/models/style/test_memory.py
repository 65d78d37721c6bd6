"""A style changes how far a mouth moves, and neither when nor whether it closes."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.data.style_voices import viseme_of
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, lip_opening
from mien.models.manner.config import STYLE
from mien.models.speech.phones import PHONES
from mien.models.style.channels import CHANGES, CHANNELS, applied, channels_of, with_channels
from mien.models.style.described import described
from mien.models.style.memory import KIND, MotionMemory, code, layout, read
from mien.models.style.sound_style import SOUND, statistics
from mien.models.style.visemes import VISEMES

RATE = 16000
RNG = np.random.default_rng(0)


def voice(seconds: float, hertz: float) -> NDArray[np.float32]:
    """A buzz in syllables of a quarter second."""
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.04 * np.sin(31.4 * t))) / RATE
    tones = sum(np.sin(k * phase) / k for k in range(1, 20))
    return np.asarray(0.1 * (0.55 - 0.45 * np.cos(25.1 * t)) * tones, np.float32)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Random weights of the right shapes."""
    tensors = {n: RNG.normal(0, 0.3, s).astype(np.float32) for n, s in layout().items()}
    path = tmp_path / "memory.safetensors"
    checkpoint.save(path, tensors, {"kind": KIND, "version": 1})
    return path


def mouth(frames: int = 60) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shapes and phones."""
    shapes = RNG.uniform(0, 0.4, (frames, 52)).astype(np.float32)
    shapes[:, INDEX["mouthClose"]] *= 0.2
    return shapes, RNG.dirichlet(np.ones(len(PHONES)), frames).astype(np.float32)


def test_any_split_gives_the_same_mouth(weights: Path) -> None:
    shapes, phones = mouth()
    memory = MotionMemory(RNG.uniform(-1, 1, STYLE), weights)
    whole = memory.forward(shapes, phones)
    memory.reset()
    cuts = [0, 0, 1, 2, 9, 60]
    parts = [memory.forward(shapes[a:b], phones[a:b]) for a, b in itertools.pairwise(cuts)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert np.abs(whole - shapes).max() > 0.05
    assert whole.min() >= 0.0
    assert whole.max() <= 1.0


def test_lips_that_close_stay_closed_in_every_style(weights: Path) -> None:
    shapes, phones = mouth()
    shapes[20:40, INDEX["mouthClose"]] = shapes[20:40, INDEX["jawOpen"]]
    for seed in range(5):
        style = np.random.default_rng(seed).uniform(-1, 1, STYLE)
        out = MotionMemory(style, weights).forward(shapes, phones)
        assert lip_opening(out)[20:40].max() < 1e-6


def test_nothing_else_than_the_channels_is_moved(weights: Path) -> None:
    shapes, phones = mouth()
    out = MotionMemory(RNG.uniform(-1, 1, STYLE), weights).forward(shapes, phones)
    same = [
        k
        for name, k in INDEX.items()
        if name not in CHANNELS and name not in ("jawOpen", "mouthClose")
    ]
    np.testing.assert_array_equal(out[:, same], shapes[:, same])


def test_a_change_is_a_factor_and_only_a_smile_is_added() -> None:
    still = np.zeros((4, len(CHANNELS)))
    changes = np.full((4, len(CHANGES)), 0.3)
    moved = applied(still, changes)
    assert not moved[:, :8].any()
    assert moved[:, 10].min() > 0.2
    wide = np.full((4, len(CHANNELS)), 0.3)
    np.testing.assert_allclose(applied(wide, changes)[:, 0], 0.3 * np.exp(0.3))


def test_channels_of_a_face_give_the_face_again() -> None:
    shapes, _ = mouth()
    np.testing.assert_allclose(with_channels(shapes, channels_of(shapes)), shapes, atol=1e-6)


def test_the_level_of_a_recording_tells_no_style() -> None:
    sound = voice(3, 150)
    loud, soft = statistics(sound), statistics(0.02 * sound)
    assert loud.shape == (SOUND,)
    np.testing.assert_allclose(loud, soft, atol=1e-3)
    assert np.abs(statistics(voice(3, 250)) - loud).max() > 0.1


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(RATE), 1e-3 * np.ones(RATE)])
def test_a_sound_without_a_voice_tells_no_style(sound: NDArray[np.float64]) -> None:
    with pytest.raises(ModelError, match="voice"):
        statistics(sound.astype(np.float32))


def test_a_style_has_64_numbers_that_are_told_in_words(weights: Path) -> None:
    style = code(read(weights), statistics(voice(3, 150)))
    assert style.shape == (STYLE,)
    assert np.abs(style).max() <= 1.0
    told = described(style, weights)
    assert set(VISEMES) < set(told)
    assert all(np.isfinite(v) for v in told.values())


def test_closures_are_of_no_viseme_class() -> None:
    found = viseme_of(np.array([PHONES.index(n) for n in ("P", "F", "sil", "AA", "S")] + [-1]))
    assert found.tolist() == [-1, -1, -1, 0, 3, -1]


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    tensors = {n: np.zeros(s, np.float32) for n, s in layout().items()}
    tensors["keys"] = tensors["keys"][:, :-1]
    checkpoint.save(tmp_path / "a.safetensors", tensors, {"kind": KIND, "version": 1})
    with pytest.raises(ModelError, match="keys"):
        MotionMemory(np.zeros(STYLE), tmp_path / "a.safetensors")
