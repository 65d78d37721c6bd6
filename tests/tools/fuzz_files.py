"""Small valid files, one of each format that a user may give."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
import soundfile

from mien.models.face.livelink_csv import COLUMNS
from mien.models.fusion.learned import INPUTS
from mien.models.speech.config import Config
from mien.models.speech.features import FEATURES, HOPS_PER_FRAME

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
        "skull": {"parent": "world", "mass": 500,
                  "joints": {"n": {"kind": "hinge", "axis": [0, 1, 0]}}},
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
    "outputs": {"lids": ["u_left", "u_right", "l_left", "l_right"],
                "eyes": ["eye_left", "eye_right"]},
}  # fmt: skip
CUES: Final = {"cues": [{"start": 0.5, "end": 2.0, "emotion": "surprise", "strength": 0.8,
                          "region": "upper"},
                         {"start": 3, "end": 4, "emotion": "happy"}]}  # fmt: skip
SRT: Final = b"1\n00:00:00,500 --> 00:00:02,000\nsurprise 0.8 upper\n\n2\n0:01 --> 0:02\nhappy\n"
VTT: Final = b"WEBVTT x\n\nNOTE y\n\na\n00:00.500 --> 00:02.000 line:0\n<i>surprise 0.8</i>\n"


def take_file() -> bytes:
    """A take of three frames."""
    values = ",".join(f"{0.01 * i:.4f}" for i in range(61))
    rows = [",".join(COLUMNS), *(f"01:02:03:{k:02d}.000,61,{values}" for k in range(3))]
    return "\n".join(rows).encode()


def sounds_file() -> tuple[bytes, ...]:
    """A short sound in five formats."""
    out = []
    samples = np.sin(np.arange(800) / 5).astype(np.float32)
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"),
                          ("AIFF", "PCM_16"), ("AU", "PCM_16")):  # fmt: skip
        raw = io.BytesIO()
        soundfile.write(raw, np.stack([samples, samples], 1), 16000, subtype, format=kind)
        out.append(raw.getvalue())
    return tuple(out)


def self_model_file() -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and metadata of a self-model of two actuators."""
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


def speech_file() -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and metadata of a narrow speech network."""
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


def fusion_file() -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and metadata of a small fusion."""
    shapes = {"a1.weight": (2, INPUTS), "a1.bias": (2,), "a2.weight": (3, 2), "a2.bias": (3,),
              "e1.weight": (2, INPUTS), "e1.bias": (2,), "e2.weight": (3, 2), "e2.bias": (3,),
              "basis_speech": (3, 52), "basis_expression": (3, 52)}  # fmt: skip
    return {k: np.full(s, 0.1) for k, s in shapes.items()}, {"kind": "fusion", "version": 1}
