"""``mien bench docs``: what of the documentation builds, leads somewhere and runs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.tools import docs_blocks, docs_site


def bench(
    night: Annotated[
        bool, typer.Option("--long", help="Also run the blocks that take minutes.")
    ] = False,
) -> dict[str, Any]:
    """Build the site, follow its links and run its code blocks."""
    blocks = [b for page in docs_blocks.PAGES for b in docs_blocks.blocks(page)]
    tried = [b for b in blocks if b.language in docs_blocks.RUN]
    runs = ("", "long") if night else ("",)
    failed, ran = [], 0
    with tempfile.TemporaryDirectory() as at:
        site = docs_site.build(Path(at) / "site")
        broken = site.broken() + docs_site.broken_in_checkout()
        clicks = site.clicks()
        for block in (b for b in tried if b.mark in runs):
            folder = Path(at) / block.page.stem
            folder.mkdir(exist_ok=True)
            ran += 1
            if why := docs_blocks.run(block, folder):
                failed.append(f"{block.name}: {why}")
    for why in (*site.warnings, *broken, *failed):
        print(why, file=sys.stderr)
    return {
        "pages": len(site.pages),
        "warnings": len(site.warnings),
        "broken_links": len(broken),
        "clicks_max": max(clicks.values()),
        "pages_unreachable": len(site.pages) - len(clicks),
        "blocks": len(tried),
        "blocks_run": ran,
        "blocks_failed": len(failed),
        "blocks_only_parsed": len(tried) - ran,
        **{f"blocks_{m}": sum(b.mark == m for b in tried) for m in docs_blocks.MARKS if m},
    }
