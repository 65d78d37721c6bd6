"""Proposed key frames are lines of a show that a person can read, edit and take out again."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.models.data.keyframes import f1
from mien.models.manner.keyframes import GAP, TRACKS, Key, Proposer, layout
from mien.robot.errors import InputError
from mien.robot.media import audio
from mien.robot.show.propose import MARK, fitting, keyframe, lines_of, proposals, write
from mien.robot.show.scene import scene_of
from mien.robot.show.show_file import read_show

NOD = Key(30, "head", (0.0, -0.05, 0.01))
RAISE = Key(45, "face", (-0.12, 0.0))
BLINK = Key(60, "face", (0.0, 0.6))


def _show(folder: Path, text: str) -> Path:
    soundfile.write(folder / "voice.wav", audio.load(audio.LJ_DEMO)[: 3 * audio.RATE], audio.RATE)
    path = folder / "show.yaml"
    path.write_text("sound: voice.wav\n" + text)
    return path


def test_a_key_is_a_keyframe_of_what_it_moves() -> None:
    nod, up, blink = (keyframe(k) for k in (NOD, RAISE, BLINK))
    assert nod is not None
    assert nod.at == 1.0
    assert nod.head.pitch is not None
    assert nod.head.pitch < 0
    assert not nod.shapes
    assert up is not None
    assert set(up.shapes) == {"browInnerUp", "browOuterUpLeft", "browOuterUpRight"}
    assert blink is not None
    assert blink.shapes["eyeBlinkLeft"] == 1.0
    assert keyframe(Key(3, "head", (0.0, 0.0, 0.0))) is None


def test_proposals_are_written_and_read_again(tmp_path: Path) -> None:
    path = _show(tmp_path, "seed: 2\n")
    frames = [f for k in (NOD, RAISE, BLINK) if (f := keyframe(k)) is not None]
    write(read_show(path), frames)
    assert list(read_show(path).show.keyframes) == frames
    assert path.read_text().count(MARK) == 3
    assert path.read_text().startswith("sound: voice.wav\nseed: 2\n")


def test_proposals_stand_beside_the_keyframes_of_a_show_and_leave_their_curves(
    tmp_path: Path,
) -> None:
    own = "keyframes:\n    - {at: 1.5, pose: brows_up, hold: 0.3}  # mine\n"
    path = _show(tmp_path, own)
    file = read_show(path)
    frames = [f for k in (NOD, RAISE, BLINK) if (f := keyframe(k)) is not None]
    kept = fitting(file, frames)
    assert [f.at for f in kept] == [1.0, 2.0]
    write(file, kept)
    assert len(read_show(path).show.keyframes) == 3
    assert "# mine" in path.read_text()


def test_keyframes_on_one_line_are_refused(tmp_path: Path) -> None:
    path = _show(tmp_path, "keyframes: [{at: 0.5, pose: smile}]\n")
    with pytest.raises(InputError, match=r"line 2 .* on one line"):
        write(read_show(path), [f for f in [keyframe(NOD)] if f is not None])


def test_the_same_sound_gets_the_same_proposals_in_order(tmp_path: Path) -> None:
    scene = scene_of(read_show(_show(tmp_path, "seed: 1\n")), (1.0, 1.0, 1.0))
    first, again = proposals(scene), proposals(scene)
    assert first == again
    assert first
    assert [f.at for f in first] == sorted(f.at for f in first)
    assert first[-1].at < scene.seconds
    assert len(lines_of(first)) == len(first)


def test_keys_of_a_track_keep_apart() -> None:
    rng = np.random.default_rng(0)
    tensors = {k: rng.normal(0, 0.3, s).astype(np.float32) for k, s in layout().items()}
    for track in TRACKS:
        tensors[f"{track}.least"][:] = 0.2
    found = Proposer(tensors).propose(rng.normal(0, 1, (120, 13)).astype(np.float32))
    for track in TRACKS:
        frames = [k.frame for k in found if k.track == track]
        assert all(b - a >= GAP for a, b in pairwise(frames))


def test_f1_meets_each_key_once() -> None:
    true = [Key(10, "face", ()), Key(20, "face", ()), Key(20, "head", ())]
    assert f1(true, true) == 1.0
    assert f1([Key(12, "face", ()), Key(11, "face", ())], true) == pytest.approx(2 / 5)
    assert f1([Key(13, "face", ())], true) == 0.0
