"""Hook of the site: a fence ``math`` becomes MathML, which a browser draws by itself."""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert

_FENCE = re.compile(r"^```math\n(.*?)^```$", re.M | re.S)
_DIV = '<div style="overflow-x: auto">{}</div>'


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Text of a page with its equations as MathML."""
    return _FENCE.sub(lambda m: _DIV.format(convert(m[1].strip(), display="block")), markdown)
