"""The speech network beside simpler things and other open packages, on the same recordings.

    python tests/baselines/speech.py --data ../shared/data --others /path/to/other/env/bin/python \\
        --node /folder/with/node_modules

Prints one JSON object: system -> the metrics of models/speech/metrics.py on the last clips of
grid_s1 and
on lj_phones. Systems: the network; RMS and log-RMS of the sound as the opening; a viseme table
(every phone of a forced alignment opens the mouth as far as its vowel class says, smoothed over
80 ms, no coarticulation); pylipsync and openfacefx, if an interpreter that has them is given; and
HeadAudio and wawa-lipsync, if a folder is given in which npm installed them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from mien.models.data import lip_metrics
from mien.models.data.corpora import grid
from mien.models.data.labels import coarticulation, textgrid
from mien.models.data.labels.align import Aligner
from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.speech import metrics
from mien.models.speech import runtime_numpy as speech_light
from mien.models.speech.features import RATE
from mien.models.speech.phones import NUMBER, Phone
from mien.models.speech.stream import frame_count, speak
from mien.models.train.speech.evaluate import audio, sample

SHIFTS = np.arange(-15, 16) / 60
"""Seconds that a system may be late (or early), the same for all clips."""
Audio = NDArray[np.float32]
Opening = NDArray[np.floating]


def viseme_table(phones: list[Phone], frames: int) -> Opening:
    """(frames,) opening of the phone at each moment, over a Hann window of 80 ms."""
    table = coarticulation.default_rules().target[:, 0]
    times = np.arange(frames) / FPS
    out = np.zeros(frames)
    for phone in phones:
        out[(times >= phone.start) & (times < phone.end)] = table[NUMBER[phone.name]]
    window = np.hanning(7)[1:-1]
    return np.convolve(out, window / window.sum(), mode="same")


def envelope(samples: Audio) -> Opening:
    return lip_metrics.envelope(samples, RATE, np.arange(frame_count(len(samples))) / FPS)


def others(
    python: Path, clips: list[Audio], phones: list[list[Phone]]
) -> dict[str, list[Opening | None]]:
    """Openings of the other packages, from their own interpreter."""
    flat = [(p.name, p.start, p.end, i) for i, row in enumerate(phones) for p in row]
    script = Path(__file__).with_name("other_lip_sync.py")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(
            source,
            samples=np.concatenate(clips),
            starts=np.cumsum([0, *map(len, clips)]),
            phones=np.asarray(["SIL" if f[0] == "sil" else f[0] for f in flat]),
            phone_start=np.asarray([f[1] for f in flat]),
            phone_end=np.asarray([f[2] for f in flat]),
            phone_clip=np.asarray([f[3] for f in flat]),
        )
        subprocess.run([str(python), str(script), str(source), str(target)], check=True)
        with np.load(target) as found:
            return {
                name: [found.get(f"{name}_{i}", None) for i in range(len(clips))]
                for name in ("pylipsync", "openfacefx")
            }


def browsers(folder: Path, clips: list[Audio]) -> dict[str, list[Opening | None]]:
    """Openings of the packages that are made for browsers."""
    script = Path(__file__).with_name("other_lip_sync.mjs")
    with tempfile.TemporaryDirectory() as place:
        names = [str(Path(place) / f"{i}.f32") for i in range(len(clips))]
        for name, samples in zip(names, clips, strict=True):
            Path(name).write_bytes(samples.astype("<f4").tobytes())
        source, target = Path(place) / "in.json", Path(place) / "out.json"
        source.write_text(json.dumps({"rate": RATE, "clips": names}))
        command = ["node", str(script), str(folder.resolve()), str(source), str(target)]
        subprocess.run(command, check=True)
        found = json.loads(target.read_text())
    return {name: [np.asarray(t) for t in tracks] for name, tracks in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--others", type=Path)
    parser.add_argument("--node", type=Path)
    parser.add_argument("--clips", type=int, default=200)
    options = parser.parse_args()
    engine = speech_light.load()
    simple: dict[str, Callable[[Audio], Opening]] = {
        "mien": lambda a: lip_opening(speak(engine, a)),
        "rms": envelope,
        "log_rms": lambda a: lip_metrics.log_envelope(envelope(a)) + 60,
    }
    takes = grid.takes(options.data / "grid_s1", held_out=True)[: options.clips]
    clips = [audio(t.audio) for t in takes]
    aligner = Aligner()
    texts = [" ".join(w for _, _, w in t.words if w != "sil") for t in takes]
    aligned = [
        aligner.align((a * 32767).astype(np.int16), text) or []
        for a, text in zip(clips, texts, strict=True)
    ]
    lj = sorted((options.data / "lj_phones").glob("*.TextGrid"))
    lj_clips = [audio(p.with_suffix(".flac")) for p in lj]
    lj_phones = [textgrid.phones(p) for p in lj]

    systems: dict[str, tuple[list[Opening | None], list[Opening | None]]] = {
        name: ([f(a) for a in clips], [f(a) for a in lj_clips]) for name, f in simple.items()
    }
    systems["viseme_table"] = (
        [
            viseme_table(p, frame_count(len(a))) if p else None
            for p, a in zip(aligned, clips, strict=True)
        ],
        [viseme_table(p, frame_count(len(a))) for p, a in zip(lj_phones, lj_clips, strict=True)],
    )
    found: dict[str, list[Opening | None]] = {}
    if options.others:
        found |= others(options.others, clips + lj_clips, aligned + lj_phones)
    if options.node:
        found |= browsers(options.node, clips + lj_clips)
    for name, tracks in found.items():
        systems[name] = (tracks[: len(clips)], tracks[len(clips) :])
    out = {}
    for name, (on_grid, on_lj) in systems.items():
        r, lags, shifted = [], [], []
        for take, opening in zip(takes, on_grid, strict=True):
            if opening is not None:
                at = sample(opening, np.arange(len(take.gap)) / take.fps)
                r.append(metrics.pearson(at, take.gap))
                times = np.arange(len(take.gap)) / take.fps
                shifted.append(
                    [metrics.pearson(sample(opening, times + d), take.gap) for d in SHIFTS]
                )
                lags.append(metrics.lag_ms(at, take.gap, take.fps))
        total = lip_metrics.Contact()
        for opening, phones in zip(on_lj, lj_phones, strict=True):
            if opening is not None:
                total = total + lip_metrics.contact(opening, phones, FPS)
        out[name] = {
            "grid_clips": len(r),
            "r_lip_gap": round(float(np.median(r)), 3),
            "lag_ms": round(float(np.median(lags)), 1),
            # As if the sound were delayed by what suits this system best.
            "r_shifted": round(float(np.median(shifted, axis=0).max()), 3),
            "shift_ms": round(1e3 * float(SHIFTS[np.median(shifted, axis=0).argmax()])),
            "closure_recall": round(total.closure_recall, 3),
            "closure_false": round(total.closure_false, 3),
            "vowel_closed": round(total.vowel_closed, 3),
            "silence_open": round(total.silence_open, 3),
        }
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
