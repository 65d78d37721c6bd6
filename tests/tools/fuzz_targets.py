"""Every reader of a file that a user may give, with valid small files and how to break them."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import yaml

from mien.calibration.capture import dataset
from mien.calibration.capture.records import record_type
from mien.calibration.capture.rest_pose import FILE as REST
from mien.calibration.capture.rest_pose import RestPose
from mien.calibration.identify.collect import DROPPED, PLAN, read_dropped
from mien.calibration.identify.wiring import FINDINGS, read_findings
from mien.calibration.plan.plan import KINDS, Plan
from mien.calibration.verbs.workspace import METRICS, Workspace
from mien.calibration.verify.results import FILE as VERIFIED
from mien.calibration.verify.results import load_arrays
from mien.models.face.blendshapes import ARKIT
from mien.models.face.emotion_table import extended
from mien.models.face.livelink_csv import is_take
from mien.models.fusion.learned import LearnedFusion
from mien.models.reading.arrays import read_npy
from mien.models.self_model import model as self_model
from mien.models.speech import runtime_numpy
from mien.models.speech.features import FEATURES, HOPS_PER_FRAME
from mien.robot.errors import MienError
from mien.robot.expression.emotion.timeline import load_timeline
from mien.robot.face.config import load_face
from mien.robot.face.supply import start_delays_s
from mien.robot.link.upload import upload_of
from mien.robot.media.livelink_takes import read_csv
from mien.robot.media.sound_file import read as read_sound
from mien.robot.recording.reading import Recording
from mien.robot.sim.description import load_mechanism
from tests.bench.robot.recording import written
from tests.robot.recording.test_made_up_files import begun, chunk, event
from tests.tools import fuzz_shows as shows
from tests.tools.fuzz_files import (
    CUES,
    EMOTION_TREE,
    FACE_TREE,
    MECHANISM_TREE,
    SRT,
    VTT,
    fusion_file,
    self_model_file,
    sounds_file,
    speech_file,
    take_file,
)
from tests.tools.fuzz_mutate import (
    WORDS,
    as_json,
    mutated_bytes,
    mutated_npz,
    mutated_tensors,
    mutated_tree,
)

FACE: Final = load_face("hobby9")

Make = Callable[[Random], bytes]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        file: name of the file.
        read: reads it, and uses what it has read.
        whole: content of a valid file.
        make: a generator -> content of the next broken file.
    """

    file: str
    read: Callable[[Path], object]
    whole: bytes
    make: Make


def _json(tree: Any) -> tuple[bytes, Make]:
    seeds = [as_json(tree)]
    return (
        seeds[0],
        lambda rng: (
            as_json(mutated_tree(rng, tree)) if rng.randrange(3) else mutated_bytes(rng, seeds)
        ),
    )


def _yaml(tree: Any) -> tuple[bytes, Make]:
    whole, make = yaml.safe_dump(tree, sort_keys=False).encode(), _json(tree)[1]

    def yaml_of(rng: Random) -> bytes:
        if not rng.randrange(3):
            return mutated_bytes(rng, [whole])
        return make(rng).replace(b"NaN", b".nan").replace(b"Infinity", b".inf")

    return whole, yaml_of


def _bytes(*seeds: bytes, words: tuple[bytes, ...] = WORDS) -> tuple[bytes, Make]:
    return seeds[0], lambda rng: mutated_bytes(rng, seeds, words)


def _npz(arrays: dict[str, Any]) -> tuple[bytes, Make]:
    raw = io.BytesIO()
    np.savez(raw, **arrays)
    seeds = [raw.getvalue()]
    return seeds[
        0
    ], lambda rng: mutated_npz(rng, arrays) if rng.randrange(3) else mutated_bytes(rng, seeds)


def _tensors(tensors: dict[str, Any], meta: dict[str, Any]) -> tuple[bytes, Make]:
    header: dict[str, Any] = {"__metadata__": {"mien": json.dumps(meta)}}
    data = b""
    for name, array in tensors.items():
        raw = np.asarray(array, "<f4").tobytes()
        place = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(np.shape(array)), "data_offsets": place}
        data += raw
    text = json.dumps(header).encode()
    whole = struct.pack("<Q", len(text)) + text + data
    return (
        whole,
        lambda rng: (
            mutated_tensors(rng, header, data) if rng.randrange(3) else mutated_bytes(rng, [whole])
        ),
    )


def _face(path: Path) -> object:
    face = load_face(path)
    return face.hash, face.hashes, start_delays_s(face), _or_fault(lambda: upload_of(face).crc)


def _or_fault(use: Callable[[], object]) -> object:
    """What a later stage makes of it; it may refuse as well, in its own words."""
    try:
        return use()
    except MienError as e:
        return e.message


def _timeline() -> tuple[bytes, Make]:
    (whole, trees), (_, texts) = _json(CUES), _bytes(SRT, VTT)
    return whole, lambda rng: (trees if rng.randrange(2) else texts)(rng)


def _read_take(path: Path) -> object:
    is_take(path)
    take = read_csv(path)
    assert np.isfinite(take.weights).all() and np.isfinite(take.rotations).all()
    assert np.isfinite(take.times).all()
    return take.notes


def _read_self_model(path: Path) -> object:
    model = self_model.read(path)
    commands = np.linspace(-1.0, 1.0, model.n)
    with np.errstate(all="ignore"):  # finite weights may still overflow
        return model.landmarks(commands), model.head(commands), model.predictive_variance(
            model.network_inputs(commands)
        ), float(model.meta.get("lag_s", 0.0))  # fmt: skip


def _read_speech(path: Path) -> object:
    net = runtime_numpy.load(path)
    x = np.zeros((3, FEATURES * HOPS_PER_FRAME), np.float32)
    with np.errstate(all="ignore"):
        return net(x), net.phones(x)


def _read_fusion(path: Path) -> object:
    net = LearnedFusion.load(path)
    with np.errstate(all="ignore"):
        return net(np.zeros((2, len(ARKIT))), np.ones((2, len(ARKIT))), np.ones(2))


def _recording() -> tuple[bytes, Make]:
    whole = written(seconds=0.05)[0]
    head = {"version": 4, "face": FACE.model_dump_json(), "about": {"seed": 1},
            "topics": {"1": "/event"}, "persons": ["a"]}  # fmt: skip
    message = {"t": 0.0, "what": "awake", "sent": [0.1]}

    def make(rng: Random) -> bytes:
        if rng.randrange(2):
            return mutated_bytes(rng, [whole])
        changed = mutated_tree(rng, head) if rng.randrange(2) else head
        fields = {
            k: v if isinstance(v, str) else as_json(v).decode("utf-8", "replace")
            for k, v in (changed if isinstance(changed, dict) else head).items()
        }
        content = as_json(mutated_tree(rng, message))
        return begun(**fields) + chunk(b"".join(event(content, k) for k in range(2)))

    return whole, make


def _read_recording(path: Path) -> object:
    recording = Recording(path)
    return [record.content for record in recording], recording.missing


def _records() -> tuple[bytes, Make]:
    layout = record_type(len(FACE.names))
    rows = np.zeros(3, layout)
    rows["pose"], rows["kind"] = [0, 1, 2], [0, 1, 2]
    size = layout.itemsize

    def with_checksums(raw: bytearray) -> bytes:
        for at in range(0, len(raw), size):
            raw[at + size - 4 : at + size] = struct.pack("<I", zlib.crc32(raw[at : at + size - 4]))
        return bytes(raw)

    whole = with_checksums(bytearray(rows.tobytes()))

    def make(rng: Random) -> bytes:
        if rng.randrange(2):
            return mutated_bytes(rng, [whole])
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            at = 4 * rng.randrange(len(changed) // 4)
            changed[at : at + 4] = rng.choice(
                (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\xff\x7f", rng.randbytes(4))
            )
        return with_checksums(changed)

    return whole, make


_SETUP: Final = {"face": "hobby9", "face_hash": FACE.hash, "mechanism": "m", "build": 0,
                 "camera": "projected", "version": 2}  # fmt: skip


def _read_records(path: Path) -> object:
    (path.parent / dataset.SETUP).write_bytes(as_json(_SETUP))
    data = dataset.load(path.parent, FACE)
    return data.hash, data.robot_s, [KINDS[k] for k in data.kind], data.held_out


def _read_plan(path: Path) -> object:
    plan = Plan.load(path, FACE)
    return plan.remaining({0}), plan.remaining({0}, short=True), f"{plan.seed:d} {plan.minutes:g}"


_P: Final = len(FACE.names)
TARGETS: Final[dict[str, Target]] = {
    "face": Target("face.yaml", _face, *_yaml(FACE_TREE)),
    "emotions": Target("emotions.yaml", extended, *_yaml(EMOTION_TREE)),
    "mechanism": Target("mechanism.yaml", load_mechanism, *_yaml(MECHANISM_TREE)),
    "timeline": Target("cues.json", load_timeline, *_timeline()),
    "take": Target("take.csv", _read_take, *_bytes(take_file())),
    "sound": Target("sound.wav", read_sound, *_bytes(*sounds_file())),
    "self-model": Target("a.safetensors", _read_self_model, *_tensors(*self_model_file())),
    "speech": Target("a.safetensors", _read_speech, *_tensors(*speech_file())),
    "fusion": Target("a.safetensors", _read_fusion, *_tensors(*fusion_file())),
    "show": Target("show.yaml", shows.read_whole_show, *_yaml(shows.SHOW_TREE)),
    "record": Target("t.json", shows.read_record, *_json(shows.RECORD_TREE)),
    "manner": Target("a.safetensors", shows.read_manner, *_tensors(*shows.manner_file())),
    "recording": Target("a.mcap", _read_recording, *_recording()),
    "records": Target(dataset.RECORDS, _read_records, *_records()),
    "setup": Target(dataset.SETUP, lambda p: dataset.read_setup(p.parent, FACE),
                    *_json(_SETUP)),
    "plan": Target(PLAN, _read_plan, *_npz({
        "face": "hobby9", "face_hash": FACE.hash, "seed": 0, "kind": np.arange(9, dtype="u1"),
        "goals": np.zeros((9, _P)), "active": 0, "minutes": 5.0})),
    "rest": Target(REST, lambda p: RestPose.load(p.parent, FACE), *_npz({
        "version": 1, "landmarks": np.zeros((478, 3)), "head": np.eye(4),
        "bias": np.zeros((478, 3))})),
    "verified": Target(VERIFIED, lambda p: load_arrays(p.parent, "again", _P), *_npz({
        "asked_sent": np.zeros((2, _P)), "self_model_sent": np.zeros((2, _P)),
        "self_model_pct": np.zeros(2), "version": 1})),
    "npy": Target("a.npy", read_npy, *_bytes(
        b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }".ljust(127)
        + b"\n" + b"\0" * 48, words=(b"'|O'", b"'<U9'", b"(99,)", b"True", b"(", b"-1", b"<M8"))),
    "metrics": Target(METRICS, lambda p: Workspace("hobby9", p.parent).command("collect"),
                      *_json({"opened": {"port": ["sim"], "seed": [1]}, "rmse": 1.0})),
    "notes": Target(FINDINGS, lambda p: read_findings(p.parent),
                    *_json({"version": 1, "findings": [{"actuator": "jaw", "text": "stuck"}]})),
    "dropped": Target(DROPPED, lambda p: read_dropped(p.parent), *_json({"blurred": 3})),
}  # fmt: skip
"""All readers by name."""
