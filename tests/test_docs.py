"""The documentation: it builds without a warning, its links lead somewhere, its blocks work."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mien.robot.face.config import FaceConfig, load_face
from mien.robot.face.currents import least_a
from mien.robot.face.supply import draws_of, feeds
from mien.robot.puppet import osc
from tests.paths import ROOT
from tests.tools import docs_blocks, docs_site
from tests.tools.docs_blocks import EXAMPLES, PAGES, Block

BLOCKS = [block for page in PAGES for block in docs_blocks.blocks(page)]
ALONE = {"pcm_stream", "phone"}  # examples with tests of their own
FACES = {
    "hobby9": "hobby9",
    "maker21": str(ROOT / "robot" / "faces" / "examples" / "maker21.yaml"),
    "morpheus33": "morpheus33",
}


def test_every_block_is_of_a_known_kind_and_its_commands_exist() -> None:
    assert len(BLOCKS) > 20
    for block in BLOCKS:
        assert block.mark in docs_blocks.MARKS, block.name
        assert block.language in (*docs_blocks.RUN, "math"), f"{block.name}: {block.language}"
        for words in docs_blocks.mien_lines(block) if block.language == "sh" else ():
            docs_blocks.parse(words)


@pytest.mark.parametrize(
    "words", ["live --no-such", "speek --text x", "demo --build -1", "face nw x", "demo --size"]
)
def test_a_command_line_that_is_wrong_is_found(words: str) -> None:
    with pytest.raises(ValueError, match=r"mien|command"):
        docs_blocks.parse(words.split())


def _here(marks: tuple[str, ...]) -> list[list[Block]]:
    mine = [b for b in BLOCKS if b.mark in marks and b.language in docs_blocks.RUN]
    return [
        [b for b in mine if b.page == page] for page in PAGES if any(b.page == page for b in mine)
    ]


@pytest.mark.parametrize("blocks", _here(("",)), ids=lambda b: b[0].page.stem)
def test_the_blocks_of_a_page_work(blocks: list[Block], tmp_path: Path) -> None:
    for block in blocks:
        assert docs_blocks.run(block, tmp_path) == "", block.name


@pytest.mark.slow
@pytest.mark.parametrize("blocks", _here(("long",)), ids=lambda b: b[0].page.stem)
def test_the_long_blocks_of_a_page_work(blocks: list[Block], tmp_path: Path) -> None:
    for block in blocks:
        assert docs_blocks.run(block, tmp_path) == "", block.name


def test_a_block_that_fails_is_found(tmp_path: Path) -> None:
    page = PAGES[0]
    for language, text in (
        ("sh", "false\ntrue\n"), ("python", "raise SystemExit(1)\n"), ("json", '{"cues": 1}\n'),
        ("yaml", "supplies: [{name: x, volts: 6.0, amps: 0.1, boards: [0]}]\n"),
        ("yaml", "emotions: {x: {units: [{unit: 999, strength: 0.5}]}}\n"),
    ):  # fmt: skip
        assert docs_blocks.run(Block(page, 1, language, "", text), tmp_path), text


def _run(example: Path, folder: Path, *words: str, sound: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, str(example), *words],
        cwd=folder, env=docs_blocks.environment(folder), input=sound, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.stem)
def test_an_example_is_short_and_shown(example: Path) -> None:
    assert len(example.read_text().splitlines()) < 40
    assert f'"{example.relative_to(ROOT)}"' in (ROOT / ".docs" / "examples.md").read_text()


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if e.stem not in ALONE], ids=lambda e: e.stem
)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    assert len(_run(example, tmp_path).splitlines()) >= 1


def test_the_stream_answers_each_sixtieth_of_a_second_of_its_input(tmp_path: Path) -> None:
    out = _run(ROOT / ".docs" / "examples" / "pcm_stream.py", tmp_path, sound=bytes(2 * 8000))
    frames = [json.loads(line) for line in out.splitlines()]
    assert len(frames) == 30
    assert frames[-1]["t"] == pytest.approx(29 / 60, abs=1e-4)


def test_the_phone_sends_a_smile_that_the_receiver_understands(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 0))
        example = ROOT / ".docs" / "examples" / "phone.py"
        _run(example, tmp_path, "0.1", str(port.getsockname()[1]))
        port.settimeout(10)
        messages = [m for _ in range(6) for m in osc.decode(port.recv(65536))]
    named = {m.values[0]: m.values[1] for m in messages if m.address.endswith("/Blend/Val")}
    assert {"MouthSmileLeft", "MouthSmileRight"} <= set(named)


@pytest.mark.parametrize("name", FACES)
def test_the_supply_tables_are_those_of_the_code(name: str) -> None:
    face = load_face(FACES[name])
    rows = {
        tuple(c.strip(" `") for c in line.strip("|").split("|"))
        for line in (ROOT / ".docs" / "parts.md").read_text().splitlines()
        if line.startswith("|")
    }
    for feed in feeds(face):
        supply = next(s for s in face.supplies if s.name == feed.name)
        run, stall = sum(d.run_a for d in feed.draws), sum(d.stall_a for d in feed.draws)
        assert (
            name, f"{supply.volts:g} V", f"{run:.1f} A", f"{least_a(feed.draws):.1f} A",
            f"{stall:.1f} A", f"{supply.amps:g} A", f"{max(feed.start_s):.1f} s",
        ) in rows  # fmt: skip
    for board in range(len(face.boards)):
        assert _branch(name, face, board) in rows


def _branch(name: str, face: FaceConfig, board: int) -> tuple[str, ...]:
    draws = [
        d for d, a in zip(draws_of(face), face.actuators.values(), strict=True) if a.board == board
    ]
    run, stall = sum(d.run_a for d in draws), sum(d.stall_a for d in draws)
    return (name, str(board), str(len(draws)), f"{run:.1f} A", f"{stall:.1f} A")


def test_links_and_paths_in_the_documents_lead_somewhere() -> None:
    assert docs_site.broken_in_checkout() == []


def test_the_drawing_of_the_wires_names_the_pins_of_the_firmware() -> None:
    drawing = (ROOT / ".docs" / "wiring.svg").read_text()
    table = (ROOT / "firmware" / "avr" / "README.md").read_text()
    for pin in ("D20", "D21", "D2 ", "D3"):
        assert pin in drawing
        assert re.search(rf"\b{pin.strip()}\b", table)
    for address in load_face("morpheus33").boards:
        assert f"{address:#x}" in drawing


def test_the_site_builds_without_a_warning_and_its_pages_are_near(tmp_path: Path) -> None:
    for module in ("mkdocs", "material", "mkdocstrings", "latex2mathml"):
        pytest.importorskip(module, reason="pip install -e '.[dev]' brings the site's builder")
    site = docs_site.build(tmp_path)
    assert site.warnings == []
    assert site.broken() == []
    assert site.foreign() == []
    clicks = site.clicks()
    assert set(clicks) == set(site.pages)
    assert len(clicks) > 20
    assert max(clicks.values()) <= 2
    assert "--8&lt;--" not in "".join((tmp_path / name).read_text() for name in site.pages)
