"""The manner network: numpy equals torch, known values hold, any length works."""

from pathlib import Path

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.curves import CURVES
from mien.models.manner import runtime_numpy
from mien.models.manner.config import COLUMNS, LIPS, STYLE, Config
from mien.models.manner.features import FEATURES, features, frames_for
from mien.models.manner.runtime_numpy import Manner
from mien.models.manner.weights import KIND, VERSION, layout, read

SMALL = Config(widths=(12, 16, 20), hidden=8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    drawn = {k: rng.normal(0.0, 0.2, s) for k, s in layout(SMALL).items()}
    drawn["scale"] = np.abs(drawn["scale"]) + 0.1
    drawn["sound_scale"] = np.abs(drawn["sound_scale"]) + 0.5
    tensors = {k: v.astype(np.float32) for k, v in drawn.items()}
    path = tmp_path_factory.mktemp("manner") / "manner.safetensors"
    about = {"kind": KIND, "version": VERSION, "config": vars(SMALL)}
    checkpoint.save(path, tensors, about)
    return path


def test_numpy_and_torch_give_the_same(weights: Path) -> None:
    torch = pytest.importorskip("torch")
    from mien.models.train.manner.network import MannerNet

    tensors, _, config = read(weights)
    net = MannerNet(config)
    net.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
    rng = np.random.default_rng(0)
    x, sound = rng.normal(size=(32, len(CURVES))), rng.normal(size=(32, FEATURES))
    flags, style = rng.random(x.shape) < 0.3, rng.normal(size=STYLE)
    parts = [np.asarray(a, np.float32) for a in (x, flags, sound, style)]
    ours = Manner(weights).clean(parts[0], flags, parts[2], 0.37, parts[3])
    theirs = net(
        *(torch.from_numpy(a)[None] for a in parts[:3]),
        torch.tensor([0.37]),
        torch.from_numpy(parts[3])[None],
    )
    assert np.abs(ours - theirs[0].detach().numpy()).max() < 1e-4


@pytest.mark.parametrize("frames", [1, 30, 97, 600])
def test_known_values_hold_at_any_length(weights: Path, frames: int) -> None:
    rng = np.random.default_rng(1)
    known = np.full((frames, len(CURVES)), np.nan, np.float32)
    known[:, LIPS] = 0.2
    known[frames // 2, 0] = 0.7
    sound = rng.normal(size=(frames, FEATURES)).astype(np.float32)
    engine = Manner(weights)
    one, same, other = (engine.sample(sound, known, seed) for seed in (1, 1, 2))
    held = np.isfinite(known)
    assert one.shape == known.shape
    assert np.isfinite(one).all()
    assert np.array_equal(one[held], known[held])
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_guidance_changes_the_curves_and_a_style_too(weights: Path) -> None:
    sound = np.random.default_rng(2).normal(size=(40, FEATURES)).astype(np.float32)
    known = np.full((40, len(CURVES)), np.nan, np.float32)
    engine = Manner(weights)
    plain = engine.sample(sound, known, 5)
    assert not np.allclose(plain, engine.sample(sound, known, 5, guidance=2.0))
    assert not np.allclose(plain, engine.sample(sound, known, 5, style=np.ones(STYLE)))


def test_features_of_any_sound_are_finite_and_follow_loudness_and_pitch() -> None:
    for samples in (np.zeros(0), np.zeros(16000), np.ones(7), np.full(16000, 1e-9)):
        found = features(samples.astype(np.float32))
        assert found.shape == (frames_for(len(samples)), FEATURES)
        assert np.isfinite(found).all()
    t = np.arange(32000) / 16000
    low, high = (np.sin(2 * np.pi * 120 * t), np.sin(2 * np.pi * 180 * t))
    loud = 0.3 * sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 8))
    voice = np.where(t < 1.0, 0.02 * loud, loud)
    energy = features(voice)[:, 0]
    assert energy[45:55].mean() > energy[5:15].mean() + 0.5
    melody = features(np.where(t < 1.0, low, high).astype(np.float32))[:, 7]
    assert melody[45] - melody[15] == pytest.approx(np.log2(1.5), abs=0.08)


def test_the_same_voice_at_another_level_has_the_same_features() -> None:
    sound = np.random.default_rng(7).normal(0, 0.1, 16000) * np.sin(np.arange(16000) / 2000) ** 2
    assert np.abs(features(sound) - features(0.2 * sound)).max() < 0.1


def test_wrong_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        read(tmp_path / "none.safetensors")
    tensors, meta, _ = read(weights)
    tensors["head.bias"] = tensors["head.bias"][:-1]
    checkpoint.save(tmp_path / "a.safetensors", tensors, meta)
    with pytest.raises(ModelError):
        read(tmp_path / "a.safetensors")
    checkpoint.save(tmp_path / "b.safetensors", tensors, meta | {"config": {"widths": [1, 2]}})
    with pytest.raises(ModelError, match="metadata"):
        read(tmp_path / "b.safetensors")


def test_less_noise_makes_takes_more_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise that a curve starts from is what its takes differ by; other curves keep theirs."""
    sound = np.random.default_rng(3).normal(size=(60, FEATURES)).astype(np.float32)
    known = np.zeros((60, len(CURVES)), np.float32)
    known[:, COLUMNS] = np.nan

    def apart(turns: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        monkeypatch.setattr(runtime_numpy, "TEMPERATURES", (1.0,) * 4 + (turns,) * 3)
        takes = [Manner().sample(sound, known, seed) for seed in range(6)]
        return np.asarray(np.std(takes, axis=0).mean(axis=0), np.float64)

    yaw, lid = CURVES.index("HeadYaw"), CURVES.index("eyeBlinkLeft")
    cool, warm = apart(0.0), apart(1.0)
    assert cool[yaw] < 0.8 * warm[yaw]
    assert cool[lid] > 0.8 * warm[lid]
