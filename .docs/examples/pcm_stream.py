"""PCM in, blendshapes out: raw 16-bit mono at 16 kHz on stdin, one JSON line a frame on stdout.

ffmpeg -i voice.wav -f s16le -ar 16000 -ac 1 - | python pcm_stream.py
"""

import json
import sys

import numpy as np

from mien import BLENDSHAPES
from mien.robot.expression.speech import SpeechStream

BLOCK = 320  # bytes: 10 ms
stream = SpeechStream()
sent = 0


def send(frames: np.ndarray) -> None:
    """Print frames (m, 52); frame k belongs to k / 60 s of the sound."""
    global sent
    for frame in frames:
        shapes = {n: round(float(w), 4) for n, w in zip(BLENDSHAPES, frame, strict=True) if w > 0}
        print(json.dumps({"t": round(sent / 60, 4), "shapes": shapes}), flush=True)
        sent += 1


while block := sys.stdin.buffer.read(BLOCK):
    send(stream.push(np.frombuffer(block[: len(block) // 2 * 2], "<i2").astype(np.float32) / 32768))
send(stream.flush())
