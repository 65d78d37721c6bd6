"""A blind comparison of films by people: pairs, order, forced choice, statistics.

    python -m tests.tools.study plan pairs.csv --raters 12 --seed 1 --out study
    python -m tests.tools.study result study answers/*.csv

``pairs.csv`` has the columns ``item``, ``a`` and ``b``: a name, and two films of one sound. The
plan gives each rater a page of his own (``rater-01.html``, beside the films): all items in an order
of his own, each film on the left for half of the raters and, for each rater, in half of the items.
Two items are shown twice, the second time with the sides exchanged. The films have neutral names;
``key.csv`` knows which is which and stays with who leads the study. A page asks one question, has
no third answer, and writes ``answers-01.csv``.

The result is the share of a: over all answers, with an interval that knows that answers of one
rater are alike (bootstrap over raters), an exact sign test over raters, the share of left, and the
share of repeated items that got the same answer.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binomtest

REPEATED: Final = 2
RESAMPLES: Final = 5000
QUESTION: Final = "Which of the two looks more like a living person who says this?"


class Pair(NamedTuple):
    """One item: its name and two films."""

    item: str
    a: str
    b: str


class Trial(NamedTuple):
    """One comparison of one rater."""

    rater: int
    place: int
    item: str
    left: str
    repeated: bool


def read_pairs(path: Path) -> list[Pair]:
    """Items of a file.

    Raises:
        ValueError: a column is missing, an item has no name or two have the same one, or there are
            fewer than two.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"item", "a", "b"} <= set(rows[0]):
        raise ValueError(f"{path} must have the columns item, a and b")
    pairs = [Pair(r["item"].strip(), r["a"].strip(), r["b"].strip()) for r in rows]
    names = [p.item for p in pairs]
    if len(set(names)) < len(names) or not all(names) or len(names) < 2:
        raise ValueError(f"{path} must have two or more items with different names")
    return pairs


def plan(items: Sequence[str], raters: int, seed: int) -> list[Trial]:
    """Trials of all raters, balanced over sides.

    Args:
        items: names.
        raters: number of them.
        seed: of orders and sides.
    """
    rng = np.random.default_rng(seed)
    first = rng.permutation(len(items)) % 2
    out = []
    for rater in range(raters):
        order = rng.permutation(len(items))
        # Sides alternate between raters item by item, and over the items of each rater.
        left = {items[k]: "ab"[int(first[k] + rater) % 2] for k in range(len(items))}
        trials = [(items[k], left[items[k]], False) for k in order]
        again = [items[k] for k in rng.permutation(order[: max(len(order) // 2, 1)])[:REPEATED]]
        trials += [(name, "ba"["ab".index(left[name])], True) for name in again]
        out += [Trial(rater + 1, k + 1, *trial) for k, trial in enumerate(trials)]
    return out


def result(trials: Sequence[Trial], chosen: dict[tuple[int, int], str]) -> dict[str, object]:
    """Statistics of answers.

    Args:
        trials: of the plan.
        chosen: ``left`` or ``right`` by rater and place.

    Raises:
        ValueError: no answers, or one that is neither of the two.
    """
    rows: dict[int, list[tuple[str, bool, bool]]] = {}
    first: dict[tuple[int, str], bool] = {}
    same, lefts = [], []
    for trial in sorted(trials):
        side = chosen.get((trial.rater, trial.place))
        if side is None:
            continue
        if side not in ("left", "right"):
            raise ValueError(f"rater {trial.rater}, place {trial.place}: {side!r} is no side")
        is_a = (side == "left") == (trial.left == "a")
        lefts.append(side == "left")
        if trial.repeated:
            if (trial.rater, trial.item) in first:
                same.append(first[trial.rater, trial.item] == is_a)
            continue
        first[trial.rater, trial.item] = is_a
        rows.setdefault(trial.rater, []).append((trial.item, is_a, side == "left"))
    if not rows:
        raise ValueError("no answers")
    shares = {rater: float(np.mean([is_a for _, is_a, _ in r])) for rater, r in rows.items()}
    rng = np.random.default_rng(0)
    counts = np.array([[sum(a for _, a, _ in r), len(r)] for r in rows.values()])
    drawn = counts[rng.integers(len(counts), size=(RESAMPLES, len(counts)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    leaning = [s for s in shares.values() if s != 0.5]
    for_a = sum(s > 0.5 for s in leaning)
    items: dict[str, list[bool]] = {}
    for answers in rows.values():
        for item, is_a, _ in answers:
            items.setdefault(item, []).append(is_a)
    return {
        "raters": len(rows), "answers": int(counts[:, 1].sum()),
        "share_of_a": float(counts[:, 0].sum() / counts[:, 1].sum()),
        "share_of_a_95": [round(float(low), 4), round(float(high), 4)],
        "raters_for_a": for_a, "raters_for_b": len(leaning) - for_a,
        "p_sign_test": float(binomtest(for_a, len(leaning)).pvalue) if leaning else 1.0,
        "share_of_left": float(np.mean(lefts)),
        "repeated_alike": float(np.mean(same)) if same else None,
        "items": {name: round(float(np.mean(v)), 3) for name, v in sorted(items.items())},
    }  # fmt: skip


_PAGE: Final = """<!doctype html><meta charset="utf-8"><title>Comparison</title>
<style>body{font:18px sans-serif;text-align:center;margin:2em}video{width:45%%}
button{font-size:20px;margin:1em 6em}</style>
<h2 id="count"></h2><p>%(question)s</p><p>Play both films to their ends, then choose.</p>
<video id="left" controls></video> <video id="right" controls></video><br>
<button id="choose-left" disabled>left</button><button id="choose-right" disabled>right</button>
<script>
const trials = %(trials)s, rows = ["rater,place,side"]; let k = 0, seen = new Set();
const at = id => document.getElementById(id), sides = ["left", "right"];
function show() {
  if (k === trials.length) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([rows.join("\\n") + "\\n"], {type: "text/csv"}));
    link.download = "answers-%(rater)02d.csv"; link.click();
    document.body.innerHTML = "<h2>Thank you. Please send the file answers-%(rater)02d.csv.</h2>";
    return;
  }
  at("count").textContent = (k + 1) + " of " + trials.length; seen = new Set();
  for (const s of sides) { at(s).src = trials[k][s]; at("choose-" + s).disabled = true; }
}
for (const s of sides) {
  at(s).onended = () => { seen.add(s); if (seen.size === 2)
    for (const o of sides) at("choose-" + o).disabled = false; };
  at("choose-" + s).onclick = () => { rows.push("%(rater)d," + (++k) + "," + s); show(); };
}
show();
</script>
"""


def write(folder: Path, pairs: Sequence[Pair], trials: Sequence[Trial], base: Path) -> None:
    """Write pages, films under neutral names, and the key.

    Args:
        folder: new folder.
        pairs, trials: of the study.
        base: folder of the films' paths.

    Raises:
        OSError: a film is missing, or the folder exists.
    """
    folder.mkdir(parents=True)
    (folder / "films").mkdir()
    films, shuffled = {}, np.random.default_rng(len(trials)).permutation(2 * len(pairs))
    for k, (pair, which) in enumerate((p, w) for p in pairs for w in "ab"):
        source = base / getattr(pair, which)
        name = f"films/{shuffled[k]:03d}{source.suffix}"
        shutil.copyfile(source, folder / name)
        films[pair.item, which] = name
    for rater in sorted({t.rater for t in trials}):
        shown = [
            {"left": films[t.item, t.left], "right": films[t.item, "ba"["ab".index(t.left)]]}
            for t in sorted(trials)
            if t.rater == rater
        ]
        page = _PAGE % {"question": QUESTION, "trials": json.dumps(shown), "rater": rater}
        (folder / f"rater-{rater:02d}.html").write_text(page, encoding="utf-8")
    with (folder / "key.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["rater", "place", "item", "left", "repeated"])
        out.writerows([*t[:4], int(t.repeated)] for t in trials)


def read_key(path: Path) -> list[Trial]:
    """Trials of a key."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Trial(int(r["rater"]), int(r["place"]), r["item"], r["left"], r["repeated"] == "1")
            for r in csv.DictReader(file)
        ]


def read_answers(paths: Sequence[Path]) -> dict[tuple[int, int], str]:
    """Sides by rater and place."""
    out = {}
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                out[int(row["rater"]), int(row["place"])] = row["side"].strip()
    return out


def main() -> None:
    """The command line, see the module."""
    parser = argparse.ArgumentParser(description="A blind comparison of films by people.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    new = verbs.add_parser("plan")
    new.add_argument("pairs", type=Path)
    new.add_argument("--raters", type=int, default=12)
    new.add_argument("--seed", type=int, default=0)
    new.add_argument("--out", type=Path, required=True)
    told = verbs.add_parser("result")
    told.add_argument("study", type=Path)
    told.add_argument("answers", type=Path, nargs="+")
    given = parser.parse_args()
    try:
        if given.verb == "plan":
            pairs = read_pairs(given.pairs)
            trials = plan([p.item for p in pairs], given.raters, given.seed)
            write(given.out, pairs, trials, given.pairs.parent)
            print(given.out)
        else:
            trials = read_key(given.study / "key.csv")
            print(json.dumps(result(trials, read_answers(given.answers)), indent=1))
    except (ValueError, OSError) as e:
        parser.exit(2, f"error: {e}\n")


if __name__ == "__main__":
    main()
