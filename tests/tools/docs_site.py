"""The documentation site as it is built: its warnings, its links, and how far its pages are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.paths import ROOT

CONFIG: Final = ROOT / ".ci" / "mkdocs.yml"
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_PATH: Final = re.compile(r"`((?:robot|models|calibration|firmware|tests|\.ci|\.docs)/[\w./-]*)`")


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the tag points to, and its own name."""
        del tag
        for key, value in attrs:
            if value and key in {"href", "src"}:
                self.targets.append(value)
            if value and key in {"id", "name"}:
                self.anchors.add(value)


@dataclass(frozen=True)
class Site:
    """A built site.

    Attributes:
        folder: with the pages. warnings: of the build.
    """

    folder: Path
    warnings: list[str]

    @cached_property
    def pages(self) -> dict[str, _Page]:
        """Pages by their path from the folder."""
        return {
            str(path.relative_to(self.folder)): _Page(path.read_text())
            for path in sorted(self.folder.rglob("*.html"))
            if path.name != "404.html"
        }

    def broken(self) -> list[str]:
        """Links to a page, a picture or an anchor of the site that is not there."""
        return [
            f"{name}: {target}"
            for name, page in self.pages.items()
            for target, path, anchor in self._inside(name, page)
            if not (self.folder / path).exists()
            or (anchor and path in self.pages and anchor not in self.pages[path].anchors)
        ]

    def foreign(self) -> list[str]:
        """What a page would load from another server: links that are no ``a`` are found by eye."""
        loads = re.compile(r"<(?:script|link|img)\b[^>]*(?:src|href)=\"(https?://[^\"]+)")
        return [
            f"{name}: {url}"
            for name in self.pages
            for url in loads.findall((self.folder / name).read_text())
            if not url.startswith("https://squidfunk.github.io/")
        ]

    def clicks(self) -> dict[str, int]:
        """How many links each page is from the first one."""
        out, edge = {"index.html": 0}, ["index.html"]
        while edge:
            name = edge.pop(0)
            for _, path, _ in self._inside(name, self.pages[name]):
                if path in self.pages and path not in out:
                    out[path] = out[name] + 1
                    edge.append(path)
        return out

    def _inside(self, name: str, page: _Page) -> Iterator[tuple[str, str, str]]:
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            path = os.path.normpath(Path(name).parent / unquote(parts.path)) if parts.path else name
            yield target, path, unquote(parts.fragment)


def build(folder: Path) -> Site:
    """Build the site into ``folder``."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(CONFIG), "-d", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    warnings = [line for line in lines if line.startswith(("WARNING", "ERROR"))]
    return Site(folder, warnings or ([done.stderr] if done.returncode else []))


def broken_in_checkout() -> list[str]:
    """Links and named paths in the documents of the checkout that lead nowhere."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    out = []
    for name in (n for n in listed if (ROOT / n).is_file()):
        text = (ROOT / name).read_text()
        for target in _LINK.findall(text):
            parts = urlsplit(target)
            if not parts.scheme and parts.path and not ((ROOT / name).parent / parts.path).exists():
                out.append(f"{name}: {target}")
        named = (path for path in _PATH.findall(text) if not path.endswith("/build"))
        out += [f"{name}: {path}" for path in named if not (ROOT / path).exists()]
    return out
