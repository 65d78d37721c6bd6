"""What every test takes for granted: nothing of the person who runs it, nor of another test."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest

HOME: Final = tempfile.mkdtemp(prefix="mien-tests-")  # each worker of pytest-xdist has its own
_CLOCK: Final = re.compile(r"\bmark\.(realtime|browser|audio)\b")
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


def pytest_unconfigure() -> None:
    """Remove what the tests left in their folders."""
    shutil.rmtree(HOME, ignore_errors=True)


@cache
def on_the_clock(file: str) -> bool:
    """Whether tests of a file need the machine's clock, a browser or a sound server."""
    path = Path(__file__).parents[1] / file
    return path.is_file() and _CLOCK.search(path.read_text()) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Units of work of ``-n``: what runs on the machine's clock is one, so that it is never beside
    itself. Else a file is one, because its tests share what is made once. A slow test is one."""
    from xdist.scheduler import LoadScopeScheduling

    alone = config.option.markexpr == "slow"

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "clock" if on_the_clock(file) else nodeid if alone else file

    return Units(config, log)
