"""Texts that the space of feeling learns from: scenes, directions, words, acts and compositions.

All was written for this project. A composition joins a scene of one feeling with what somebody does
in another ("She lost her purse and laughs about it"): what is done weighs more than what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from mien.models.feeling.space import FEELINGS

HERE: Final = Path(__file__).parent
SCENES: Final = tuple(f"scenes_{k}.txt" for k in range(1, 9))
DIRECTIONS: Final = ("directions.txt", "directions_2.txt")
HELD: Final = ("directions_held.txt", "scenes_held.txt", "lines_held.txt")
"""Texts that no training sees."""
KINDS: Final = ("neutral", *FEELINGS)
CUE: Final = 0.6
"""Intensity of a word or phrase by itself."""
_WHO: Final = ("she", "he", "the girl", "the man", "my sister", "the old lady", "the king")
_FRAMES: Final = {
    "is": ("{who} is {x}", "{x}", "play it {x}", "as if you were {x}", "{who} feels {x}", "be {x}",
           "they are {x}", "{who} looks {x}", "i am so {x}"),
    "of": ("with {x}", "full of {x}", "{x}", "there is {x} in the voice", "nothing but {x}",
           "let us hear {x}", "{x} in the face"),
    "how": ("say it {x}", "{x}", "{who} answers {x}", "speak {x}", "{who} looks at it {x}",
            "tell it {x}", "read it {x}"),
    "does": ("{who} {x}", "{x}", "{x} as you say it"),
}  # fmt: skip
"""Frames of the words of the lexicon; those of what somebody does take "smiles" or "smile"."""
_FRAMED: Final = 2
_LINKS: Final = (" and {}", ", but {}", ". Then {}", "; {}")
_DONE: Final = 0.9
_HAPPENED: Final = 0.3


class Told(NamedTuple):
    """One text.

    Attributes:
        text: in English.
        kind: index of ``KINDS`` of what prevails.
        mix: intensities in 0..1 by feeling.
        scene: number of the scene that it has in it; -1 for none.
    """

    text: str
    kind: int
    mix: Mapping[str, float]
    scene: int = -1


def read(path: Path) -> list[Told]:
    """Lines ``INTENSITY TEXT`` in tenths under headings ``[feeling]``.

    Raises:
        ValueError: a heading or line that is none.
    """
    out, kind = [], -1
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("["):
            kind = KINDS.index(line.strip("[]"))
        elif line and not line.startswith("#"):
            tenths, text = line.split(" ", 1)
            out.append(told(text, kind, int(tenths) / 10))
    return out


def told(text: str, kind: int, strength: float, scene: int = -1) -> Told:
    """A text of one feeling."""
    return Told(text, kind, {KINDS[kind]: strength} if kind else {}, scene)


def scenes() -> list[Told]:
    """All scenes, numbered."""
    every = [one for name in SCENES for one in read(HERE / name)]
    return [one._replace(scene=k) for k, one in enumerate(every)]


def cues() -> list[Told]:
    """Words and phrases by themselves."""
    out, kind = [], 0
    for line in (HERE / "cues.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = KINDS.index(line.strip("[]"))
        elif line and not line.startswith("#"):
            out += [told(cue.strip(), kind, CUE) for cue in line.split(",")]
    return out


def directions(first: int) -> list[Told]:
    """What a director says to an actor, numbered from ``first`` on as scenes are."""
    rows = [one for name in DIRECTIONS for one in read(HERE / name)]
    return [one._replace(scene=first + k) for k, one in enumerate(rows)]


def named(rng: np.random.Generator) -> list[Told]:
    """Short texts that name a feeling: the words of the lexicon in frames."""
    out, kind = [], 0
    for line in (HERE / "lexicon.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = KINDS.index(line.strip("[]"))
        elif line and not line.startswith("#"):
            group, words = line.split(": ", 1)
            for word in words.split(", "):
                frames = _FRAMES[group]
                if group == "does":
                    first = word.split()[0]
                    frames = frames[:1] if first.endswith("s") else frames[1:]
                out += [
                    told(frame.format(who=rng.choice(_WHO), x=word), kind, CUE)
                    for frame in rng.choice(frames, _FRAMED)
                ]
    return out


def behaviours() -> list[Told]:
    """What people do, without a subject and without a degree."""
    rows = read(HERE / "behaviours.txt")
    return [r._replace(text=r.text.replace("{} ", "").replace("{}", "")) for r in rows]


def texts(seed: int = 0, composed: int = 1500) -> list[Told]:
    """Everything that is learned from.

    Args:
        seed: of the compositions.
        composed: number of compositions.
    """
    rng = np.random.default_rng([seed, 31])
    happened, done = scenes(), behaviours()
    out = [*happened, *directions(len(happened)), *cues(), *named(rng)]
    for one in done:
        who = rng.choice(_WHO, 3, replace=False)
        out += [one._replace(text=f"{w} {one.text}") for w in who]
        if one.text.startswith("is ") and one.kind:
            denied = f"{rng.choice(_WHO)} is not {one.text[3:]}"
            out.append(Told(denied, 0, {}))
    for _ in range(composed):
        a, b = happened[rng.integers(len(happened))], done[rng.integers(len(done))]
        if b.kind == 0:
            continue  # who goes on with her work may hide anything
        joined = str(rng.choice(_LINKS)).format(f"{rng.choice(_WHO[:4])} {b.text}")
        mix = {name: _HAPPENED * v for name, v in a.mix.items()}
        name = KINDS[b.kind]
        mix[name] = min(0.95, _DONE * b.mix[name] + mix.get(name, 0.0))
        out.append(Told(a.text.rstrip(".!?") + joined, b.kind, mix, a.scene))
    return out
