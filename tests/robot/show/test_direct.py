"""A show becomes a take; an edit changes what it asks for and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from mien.models.face.blendshapes import INDEX
from mien.models.face.curves import CURVES
from mien.robot.clip.take import load_motion
from mien.robot.errors import InputError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.media import audio
from mien.robot.recording.playback import poses
from mien.robot.show import direct as directing
from mien.robot.show.edits import EDGE_FRAMES
from mien.robot.show.generator import Curves
from mien.robot.show.limits import out_of_reach, told
from mien.robot.show.show_file import read_show
from mien.robot.show.takes import TakeFiles, read_take, write_take
from mien.robot.verbs.cli import build
from mien.robot.verbs.play import sidecar, sound_of

BASE = """sound: voice.wav
seed: 4
emotions:
  - {start: 0.3, end: 0.9, emotion: happiness, strength: 0.5}
keyframes:
  - {at: 0.8, pose: brows_up, hold: 0.1}
"""


@pytest.fixture(scope="module")
def face() -> Calibrated:
    return Calibrated(load_face("hobby9"))


@pytest.fixture
def show(tmp_path: Path) -> Callable[[str], Path]:
    soundfile.write(tmp_path / "voice.wav", audio.load(audio.LJ_DEMO)[: 2 * audio.RATE], audio.RATE)

    def write(text: str) -> Path:
        path = tmp_path / "show.yaml"
        path.write_text(text)
        return path

    return write


def _take(path: Path, face: Calibrated, take: int = 1) -> tuple[Curves, tuple[str, ...]]:
    file, files = read_show(path), directing.files_of(path, take)
    made = directing.direct(file, face, take, kept=read_take(files))
    directing.write(files, file, made, face, take)
    kept = read_take(files)
    assert kept is not None
    assert not kept.edited
    assert np.array_equal(kept.curves, made.curves)
    return kept.curves, made.news


def _changed(before: Curves, now: Curves) -> tuple[float, float, set[int]]:
    """First and last changed frame, in s, and the curves that changed."""
    rows, columns = np.nonzero(before != now)
    return rows.min() / 60, rows.max() / 60, set(columns.tolist())


def test_a_keyframe_holds_and_the_same_show_gives_the_same_take(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    by_rules = BASE.replace("seed: 4", "seed: 4\ngenerator: rules")
    first, _ = _take(show(by_rules), face)
    again, news = _take(show(by_rules), face)
    assert np.array_equal(first, again)
    assert news == ("nothing changed",)
    assert np.allclose(first[48:54, INDEX["browInnerUp"]], 0.8)
    assert np.abs(np.diff(first[33:70, INDEX["browInnerUp"]], 2)).max() < 0.05


def test_an_edit_of_a_keyframe_changes_its_curves_around_it_only(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    first, _ = _take(show(BASE), face)
    more = BASE + "  - {at: 1.5, shapes: {mouthSmileLeft: 0.6}, head: {yaw: 5}, hold: 0.1}\n"
    now, _ = _take(show(more), face)
    start, end, columns = _changed(first, now)
    assert 1.5 - EDGE_FRAMES / 60 <= start < end <= 1.6 + EDGE_FRAMES / 60
    lids = {INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]}  # nothing blinks in a hold
    assert columns <= {INDEX["mouthSmileLeft"], INDEX["mouthFrownLeft"], 52} | lids
    back, _ = _take(show(BASE), face)
    assert np.array_equal(back, first)


def test_a_span_that_is_generated_again_changes_its_region_only(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    first, _ = _take(show(BASE), face)
    second, _ = _take(show(BASE + "regenerate: 0.2-1.7 upper\n"), face)
    start, end, columns = _changed(first, second)
    assert 0.2 <= start < end <= 1.7
    assert all(CURVES[c].startswith(("eye", "brow")) for c in columns)
    other, _ = _take(show(BASE + "regenerate: 0.2-1.7 upper 2\n"), face)
    assert not np.array_equal(other, second)


def test_a_hand_edit_stays_where_no_edit_is_asked(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    path = show(BASE)
    first, _ = _take(path, face)
    file, files = read_show(path), directing.files_of(path, 1)
    kept = read_take(files)
    assert kept is not None
    by_hand = first.copy()
    by_hand[100:110, INDEX["jawOpen"]] = 0.77
    record = files.record.read_bytes()
    scene = directing.direct(file, face, 1).scene
    write_take(files, by_hand, scene, kept.basis, kept.items, {})
    files.record.write_bytes(record)
    kept = read_take(files)
    assert kept is not None
    assert kept.edited
    made = directing.direct(read_show(show(BASE.replace("0.1}", "0.2}"))), face, 1, kept=kept)
    assert any("changed by hand" in news for news in made.news)
    assert np.allclose(made.curves[100:110, INDEX["jawOpen"]], 0.77)


def test_takes_differ_above_the_mouth_and_their_lips_agree(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    plain = show("sound: voice.wav\nhead_gain: 1.5\n")
    one, _ = _take(plain, face, 1)
    three, _ = _take(plain, face, 3)
    lips = [INDEX[n] for n in ("jawOpen", "mouthClose", "mouthPucker")]
    assert np.array_equal(one[:, lips], three[:, lips])
    assert not np.array_equal(one[:, INDEX["eyeBlinkLeft"]], three[:, INDEX["eyeBlinkLeft"]])


def test_another_sound_or_seed_makes_all_of_it_new_and_says_so(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    _take(show(BASE), face)
    _, news = _take(show(BASE.replace("seed: 4", "seed: 5")), face)
    assert news == ("another seed: all of it is new",)


def test_what_begins_after_the_sound_is_refused(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    with pytest.raises(InputError, match=r"line 6: the keyframe begins at 8 s"):
        directing.direct(read_show(show(BASE.replace("at: 0.8", "at: 8"))), face)
    with pytest.raises(InputError, match="line 1"):
        directing.direct(read_show(show("sound: none.wav\n")), face)


def test_what_a_face_cannot_show_is_told_in_mm_and_percent(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    file = read_show(show(
        "sound: voice.wav\nkeyframes:\n  - {at: 0.5, shapes: {cheekPuff: 0.8, jawOpen: 0.2}}\n"
        "  - {at: 1.0, head: {roll: 9}}\n  - {at: 1.5, shapes: {tongueOut: 0.5}}\n"
    ))  # fmt: skip
    found = out_of_reach(face, file.poses)
    named = {(s.keyframe, s.what) for s in found}
    assert {(0, "cheekPuff"), (1, "head roll"), (2, "tongueOut")} <= named
    puff = next(s for s in found if s.what == "cheekPuff")
    reach = face.retarget.reach.overall[INDEX["cheekPuff"]]
    assert puff.percent < 40
    assert reach < 0.4
    assert puff.mm > 1.0
    sentence = " ".join(text for k, text in told(file.show.keyframes, found) if k == 0)
    assert "cheekPuff" in sentence
    assert "mm short" in sentence


def test_servos_that_are_too_slow_for_a_keyframe_are_told(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    text = (
        "sound: voice.wav\nkeyframes:\n  - {at: 0.6, shapes: {jawOpen: 0.0}, hold: 0.1}\n"
        "  - {at: 0.75, shapes: {jawOpen: 1.0}, hold: 0.1, ease: 0.05}\n"
    )
    made = directing.direct(read_show(show(text)), face)
    assert any(s.why == "speed" and s.keyframe == 1 for s in made.late)


def test_the_take_plays_from_both_of_its_files_and_knows_its_sound(
    show: Callable[[str], Path], face: Calibrated
) -> None:
    path = show(BASE)
    first, _ = _take(path, face)
    files = directing.files_of(path, 1)
    motion = load_motion(files.csv, "hobby9", None, None)
    assert motion.seconds == pytest.approx((len(first) - 1) / 60)
    rows = list(poses(files.path(".mcap"), face.face))
    assert len(rows) == len(first)
    low, high = face.face.limits.T
    assert all(((low <= pose) & (pose <= high)).all() for _, pose in rows)
    steps = np.diff([pose for _, pose in rows], axis=0)
    assert (np.abs(steps) <= face.face.speed / 60 + 1e-9).all()
    beside = sidecar(files.csv)
    assert beside == sidecar(files.path(".mcap"))
    assert sound_of(files.csv, beside) == files.path(".wav")


@pytest.mark.parametrize(
    "damage", [(b"{", b"["), (b"HeadYaw", b"HeadYow"), (b"start_s", b"begin_s")]
)
def test_a_damaged_record_is_refused(
    show: Callable[[str], Path], face: Calibrated, damage: tuple[bytes, bytes]
) -> None:
    path = show(BASE)
    _take(path, face)
    files = directing.files_of(path, 1)
    files.record.write_bytes(files.record.read_bytes().replace(*damage))
    with pytest.raises(InputError, match="cannot be used"):
        read_take(files)
    files.record.unlink()
    with pytest.raises(InputError, match="lacks its file"):
        read_take(files)


def test_a_sound_that_leads_out_of_the_folder_is_not_played(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    (tmp_path / "in").mkdir()
    files = TakeFiles(tmp_path / "in" / "t")
    for named in ("../a.wav", "", "..", 3, None):
        files.record.write_text(json.dumps({"sound_file": named}))
        assert sound_of(files.csv, sidecar(files.csv)) is None


def test_the_verb_writes_beside_the_show(show: Callable[[str], Path]) -> None:
    path = show(BASE)
    done = CliRunner().invoke(build(), ["direct", str(path), "--face", "hobby9", "--take", "2"])
    assert done.exit_code == 0, done.output
    for ending in (".csv", ".json", ".mcap", ".wav"):
        assert (path.parent / f"show-take2{ending}").is_file()
