"""Where the checkout and the corpora are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
"""The corpora; a test that needs one that is not there is skipped or, in CI, fails."""
