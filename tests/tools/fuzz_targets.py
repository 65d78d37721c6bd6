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
import soundfile
import yaml

from mien.calibration.capture import dataset
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
from mien.models.face.livelink_csv import COLUMNS, is_take
from mien.models.fusion.learned import INPUTS, LearnedFusion
from mien.models.reading.arrays import read_npy
from mien.models.self_model import model as self_model
from mien.models.speech import runtime_numpy
from mien.models.speech.config import Config
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
from tests.tools.fuzz_mutate import (
    WORDS,
    as_json,
    mutated_bytes,
    mutated_npz,
    mutated_tensors,
    mutated_tree,
)

FACE: Final = load_face("hobby9")


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        file: name of the file.
        read: reads it, and uses what it has read.
        make: a generator -> content of the next file.
    """

    file: str
    read: Callable[[Path], object]
    make: Callable[[Random], bytes]


def _tree(tree: Any) -> Callable[[Random], bytes]:
    """Files of a format whose trees are JSON or YAML."""
    seeds = [as_json(tree), yaml.safe_dump(tree, sort_keys=False).encode()]
    return lambda rng: (
        as_json(mutated_tree(rng, tree)) if rng.randrange(3) else mutated_bytes(rng, seeds)
    )


def _bytes(*seeds: bytes, words: tuple[bytes, ...] = WORDS) -> Callable[[Random], bytes]:
    return lambda rng: mutated_bytes(rng, seeds, words)


def _npz(arrays: dict[str, Any]) -> Callable[[Random], bytes]:
    raw = io.BytesIO()
    np.savez(raw, **arrays)
    seeds = [raw.getvalue()]
    return lambda rng: mutated_npz(rng, arrays) if rng.randrange(3) else mutated_bytes(rng, seeds)


def _tensors(tensors: dict[str, Any], meta: dict[str, Any]) -> Callable[[Random], bytes]:
    header: dict[str, Any] = {"__metadata__": {"mien": json.dumps(meta)}}
    data = b""
    for name, array in tensors.items():
        raw = np.asarray(array, "<f4").tobytes()
        place = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(np.shape(array)), "data_offsets": place}
        data += raw
    text = json.dumps(header).encode()
    whole = struct.pack("<Q", len(text)) + text + data
    return lambda rng: (
        mutated_tensors(rng, header, data) if rng.randrange(3) else mutated_bytes(rng, [whole])
    )


FACE_TREE: Final = {
    "face": "tiny", "description": "two", "mechanism": "tiny", "boards": [64], "pwm_hz": 50,
    "actuators": {
        "jaw": {"kind": "rigid", "region": "jaw", "servo": "large", "board": 0, "channel": 0,
                "pulse_us": [1000, 1400, 2000], "speed": 5.0, "role": "neck_yaw"},
        "cheek": {"kind": "tendon", "region": "cheeks", "servo": "micro", "board": 0, "channel": 1,
                  "pulse_us": [1000, 1500, 2000], "speed": 5.0, "limits": [0, 1], "slack_us": 40},
    },
    "interlocks": [{"name": "lock", "terms": {"jaw": 1.0, "cheek": -0.5}, "max": 0.9}],
    "supplies": [{"name": "main", "volts": 6, "amps": 20, "boards": [0]}],
    "currents": {"micro": {"stall_a": 1.0}},
}  # fmt: skip


def _face(path: Path) -> object:
    face = load_face(path)
    return face.hash, face.hashes, start_delays_s(face), _or_fault(lambda: upload_of(face).crc)


def _or_fault(use: Callable[[], object]) -> object:
    """What a later stage makes of it; it may refuse as well, in its own words."""
    try:
        return use()
    except MienError as e:
        return e.message


EMOTION_TREE: Final = {
    "version": 1,
    "emotions": {
        "smug": {
            "words": ["proud"], "units": [{"unit": 12, "strength": 0.5, "side": "right"}],
            "timing": {"onset_s": 0.8, "settle_s": 3.0, "settle": 0.9, "offset_s": 1.0},
            "arousal": 0.1, "valence": 0.5, "head": {"yaw": 0.1},
        }
    },
}  # fmt: skip
MECHANISM_TREE: Final = {
    "name": "tiny",
    "servos": {"micro": {"stall_torque": 0.2, "no_load_speed": 500, "dead_band_us": 4,
                         "backlash": 0.5, "friction": 0.01, "armature": 1e-5}},
    "skin": {"mass": 1.0, "stiffness": [1, 1, 1], "damping": 0.1, "hardening": 5.0,
             "limits": [[-9, 9], [-9, 9], [-9, 9]], "edge_stiffness": 10},
    "bodies": {
        "skull": {"parent": "world", "mass": 500, "joints": {"n": {"kind": "hinge", "axis": [0, 1, 0]}}},
        "jaw": {"parent": "skull", "at": "jaw_pivot", "mass": 50},
        "eye_*": {"parent": "skull", "mass": 5,
                  "joints": {"u_*": {"kind": "hinge", "axis": [1, 0, 0]},
                             "l_*": {"kind": "hinge", "axis": [1, 0, 0]}}},
    },
    "nodes": {"c_*": {"landmark": [61, 291]}, "b_*": {"landmark": [105, 334]}},
    "bulges": {"b": {"terms": {"c_left.x": 1, "b_left.y": -1}, "stiffness": 5}},
    "cords": {"c": {"nodes": ["c_left", "c_right"], "stiffness": 5}},
    "linkages": {"j_*": {"actuator": "corner_*", "node": "c_*", "pull": [0, 1, 0],
                         "rockers": [{"rod": 20, "arm": 10, "lever": 10}],
                         "horn": {"rod": 20, "radius": 10}}},
    "tendons": {"t_*": {"actuator": "brow_*", "node": "b_*", "pull": [0, 1, 0], "span": 20,
                        "sheath": [0, 0, -1], "stiffness": 1000, "friction": 0.2, "slack": 1,
                        "horn": 10}},
    "contacts": {"lips": {"upper": "c_left", "lower": "c_right"}},
    "stops": {"s": {"terms": {"u_left": 1.0, "l_left": 1.0}, "max": 30}},
    "outputs": {"lids": ["u_left", "u_right", "l_left", "l_right"], "eyes": ["eye_left", "eye_right"]},
}  # fmt: skip
_CUES: Final = {"cues": [{"start": 0.5, "end": 2.0, "emotion": "surprise", "strength": 0.8,
                          "region": "upper"}, {"start": 3, "end": 4, "emotion": "happy"}]}  # fmt: skip
_SRT: Final = b"1\n00:00:00,500 --> 00:00:02,000\nsurprise 0.8 upper\n\n2\n0:01 --> 0:02\nhappy\n"
_VTT: Final = b"WEBVTT x\n\nNOTE y\n\na\n00:00.500 --> 00:02.000 line:0\n<i>surprise 0.8</i>\n"


def _timeline() -> Callable[[Random], bytes]:
    trees, texts = _tree(_CUES), _bytes(_SRT, _VTT)
    return lambda rng: (trees if rng.randrange(2) else texts)(rng)


def _take() -> bytes:
    rows = [",".join(COLUMNS)]
    for k in range(3):
        rows.append(f"01:02:03:{k:02d}.000,61," + ",".join(f"{0.01 * i:.4f}" for i in range(61)))
    return "\n".join(rows).encode()


def _read_take(path: Path) -> object:
    is_take(path)
    take = read_csv(path)
    assert np.isfinite(take.weights).all() and np.isfinite(take.rotations).all()
    assert np.isfinite(take.times).all()
    return take.notes


def _sounds() -> tuple[bytes, ...]:
    out = []
    samples = np.sin(np.arange(800) / 5).astype(np.float32)
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"),
                          ("AIFF", "PCM_16"), ("AU", "PCM_16")):  # fmt: skip
        raw = io.BytesIO()
        soundfile.write(raw, np.stack([samples, samples], 1), 16000, subtype, format=kind)
        out.append(raw.getvalue())
    return tuple(out)


def _self_model() -> tuple[dict[str, Any], dict[str, Any]]:
    tensors = {
        "w1": np.ones((3, 2)), "b1": np.ones(3), "w2": np.ones((2, 3)), "b2": np.ones(2),
        "out": np.ones((11, 2)), "mean": np.ones((478, 3)), "decoder": np.ones((2, 1434)),
        "doubt": np.ones((11, 11)), "noise": np.ones(2), "neck": np.zeros((0, 6)),
        "play_width": np.full(1, 0.1), "play_growth": np.full(1, 0.1),
    }  # fmt: skip
    meta = {"kind": "self_model", "version": 1, "names": ["jaw", "cheek"], "inputs": [0, 1],
            "tendons": [1], "face": "tiny", "face_hash": "0", "lag_s": 0.03, "seed": 0,
            "loss": [1.0], "calibrated": True}  # fmt: skip
    return tensors, meta


def _read_self_model(path: Path) -> object:
    model = self_model.read(path)
    commands = np.linspace(-1.0, 1.0, model.n)
    with np.errstate(all="ignore"):  # finite weights may still overflow
        return model.landmarks(commands), model.head(commands), model.predictive_variance(
            model.network_inputs(commands)
        ), float(model.meta.get("lag_s", 0.0))  # fmt: skip


def _speech() -> tuple[dict[str, Any], dict[str, Any]]:
    config = Config(width=2, dilations=(1,), outputs=("jawOpen", "mouthClose"))
    inputs = FEATURES * HOPS_PER_FRAME
    shapes = {
        "mean": (inputs,), "scale": (inputs,), "stem.weight": (2, inputs, 1), "stem.bias": (2,),
        "norm.weight": (2,), "norm.bias": (2,), "head.weight": (2, 2), "head.bias": (2,),
        "own.weight": (2, 2), "own.bias": (2,), "known.weight": (1, 2), "known.bias": (1,),
        "phone_head.weight": (40, 2), "phone_head.bias": (40,), "blocks.0.norm.weight": (2,),
        "blocks.0.norm.bias": (2,), "blocks.0.conv.weight": (2, 2, 3), "blocks.0.conv.bias": (2,),
        "blocks.0.mix.weight": (2, 2, 1), "blocks.0.mix.bias": (2,),
    }  # fmt: skip
    meta = {"kind": "speech", "version": 2, "lookahead_ms": 95.8, "config": {
        "width": 2, "kernel": 3, "dilations": [1], "lookahead_frames": 5, "phones": 40,
        "features": FEATURES, "outputs": list(config.outputs), "loudness": 0.5}}  # fmt: skip
    return {name: np.full(shape, 0.1) for name, shape in shapes.items()}, meta


def _read_speech(path: Path) -> object:
    net = runtime_numpy.load(path)
    x = np.zeros((3, FEATURES * HOPS_PER_FRAME), np.float32)
    with np.errstate(all="ignore"):
        return net(x), net.phones(x)


def _fusion() -> tuple[dict[str, Any], dict[str, Any]]:
    shapes = {"a1.weight": (2, INPUTS), "a1.bias": (2,), "a2.weight": (3, 2), "a2.bias": (3,),
              "e1.weight": (2, INPUTS), "e1.bias": (2,), "e2.weight": (3, 2), "e2.bias": (3,),
              "basis_speech": (3, 52), "basis_expression": (3, 52)}  # fmt: skip
    return {k: np.full(s, 0.1) for k, s in shapes.items()}, {"kind": "fusion", "version": 1}


def _read_fusion(path: Path) -> object:
    net = LearnedFusion.load(path)
    with np.errstate(all="ignore"):
        return net(np.zeros((2, len(ARKIT))), np.ones((2, len(ARKIT))), np.ones(2))


def _recording() -> Callable[[Random], bytes]:
    whole = written(seconds=0.2)[0]
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

    return make


def _read_recording(path: Path) -> object:
    recording = Recording(path)
    return [record.content for record in recording], recording.missing


def _records() -> Callable[[Random], bytes]:
    layout = dataset.record_type(len(FACE.names))
    rows = np.zeros(3, layout)
    rows["pose"], rows["kind"] = [0, 1, 2], [0, 1, 2]

    def make(rng: Random) -> bytes:
        changed = bytearray(rows.tobytes())
        for _ in range(rng.randint(1, 3)):
            at = 4 * rng.randrange(len(changed) // 4)
            changed[at : at + 4] = rng.choice(
                (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\xff\x7f", rng.randbytes(4))
            )
        for at in range(0, len(changed), layout.itemsize):  # as if it had been written so
            end = at + layout.itemsize
            changed[end - 4 : end] = struct.pack("<I", zlib.crc32(changed[at : end - 4]))
        return mutated_bytes(rng, [bytes(changed)]) if rng.randrange(2) else bytes(changed)

    return make


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
    "face": Target("face.yaml", _face, _tree(FACE_TREE)),
    "emotions": Target("emotions.yaml", extended, _tree(EMOTION_TREE)),
    "mechanism": Target("mechanism.yaml", load_mechanism, _tree(MECHANISM_TREE)),
    "timeline": Target("cues.json", load_timeline, _timeline()),
    "take": Target("take.csv", _read_take, _bytes(_take())),
    "sound": Target("sound.wav", read_sound, _bytes(*_sounds())),
    "self-model": Target("a.safetensors", _read_self_model, _tensors(*_self_model())),
    "speech": Target("a.safetensors", _read_speech, _tensors(*_speech())),
    "fusion": Target("a.safetensors", _read_fusion, _tensors(*_fusion())),
    "recording": Target("a.mcap", _read_recording, _recording()),
    "records": Target(dataset.RECORDS, _read_records, _records()),
    "setup": Target(dataset.SETUP, lambda p: dataset.read_setup(p.parent, "hobby9"), _tree(_SETUP)),
    "plan": Target(PLAN, _read_plan, _npz({
        "face": "hobby9", "face_hash": FACE.hash, "seed": 0, "kind": np.arange(9, dtype="u1"),
        "goals": np.zeros((9, _P)), "active": 0, "minutes": 5.0})),
    "rest": Target(REST, lambda p: RestPose.load(p.parent, "hobby9"), _npz({
        "landmarks": np.zeros((478, 3)), "head": np.eye(4), "bias": np.zeros((478, 3))})),
    "verified": Target(VERIFIED, lambda p: load_arrays(p.parent, "again", _P), _npz({
        "asked_sent": np.zeros((2, _P)), "self_model_sent": np.zeros((2, _P)),
        "self_model_pct": np.zeros(2)})),
    "npy": Target("a.npy", read_npy, _bytes(
        b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }".ljust(127)
        + b"\n" + b"\0" * 48, words=(b"'|O'", b"'<U9'", b"(99,)", b"True", b"(", b"-1", b"<M8"))),
    "metrics": Target(METRICS, lambda p: Workspace("hobby9", p.parent).command("collect"),
                      _tree({"opened": {"port": ["sim"], "seed": [1]}, "rmse": 1.0})),
    "notes": Target(FINDINGS, lambda p: read_findings(p.parent),
                    _tree([{"actuator": "jaw", "text": "it is stuck"}])),
    "dropped": Target(DROPPED, lambda p: read_dropped(p.parent), _tree({"blurred": 3})),
}  # fmt: skip
"""All readers by name."""
