"""What every test takes for granted: nothing of the person who runs it, nor of another test."""

from __future__ import annotations

import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest

HOME: Final = tempfile.mkdtemp(prefix="mien-tests-")  # each worker of pytest-xdist has its own
os.environ["MIEN_EMOTIONS"] = ""  # their own emotions would join the eight
os.environ["XDG_DATA_HOME"] = HOME  # and their own calibrations
os.environ["XDG_RUNTIME_DIR"] = HOME  # `mien estop` stops every run of this folder
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # the workers share the cores

# The clock of the machine judges no test. The same inputs are tried each time.
hypothesis.settings.register_profile(
    "mien",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("mien")

_CLOCK: Final = re.compile(r"\bmark\.(realtime|browser|audio)\b")


@cache
def unit(file: str) -> str:
    """The unit of work of a test file: the files that need the machine's clock, browser or sound
    share one, so that they never run beside each other."""
    path = Path(__file__).parents[1] / file
    return "clock" if path.is_file() and _CLOCK.search(path.read_text()) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``-n``, a file stays whole on one worker, because its tests share what is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid.split("::")[0])

    return Units(config, log)
