"""Files that no honest program wrote: refused in one sentence, at once, and with little memory."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from random import Random

import pytest

from mien.robot.errors import MienError
from tests.tools.fuzz_targets import TARGETS

MAX_CPU_S = 1.0
MAX_MEMORY_KB = 200_000


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fuzz(name: str, folder: Path, inputs: range) -> list[str]:
    """What went wrong with some inputs of a target, at most five of them."""
    target, wrong = TARGETS[name], []
    path, start_kb = folder / target.file, peak_kb()
    for index in inputs:
        content = target.make(Random(f"{name} {index}"))
        path.write_bytes(content)
        start = time.process_time()
        try:
            target.read(path)
        except MienError as e:
            if e.exit_code != 2 or not e.message:
                wrong.append(f"{name} {index}: exit code {e.exit_code}, {e.message!r}")
        except Exception as e:
            wrong.append(f"{name} {index}: {type(e).__name__}: {str(e)[:200]}; {content[:300]!r}")
        if time.process_time() - start > MAX_CPU_S:
            wrong.append(f"{name} {index}: {time.process_time() - start:.1f} s of CPU")
        if peak_kb() - start_kb > MAX_MEMORY_KB:
            wrong.append(f"{name} {index}: {peak_kb() - start_kb} kB more memory")
        if len(wrong) >= 5:
            break
    return wrong


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """What libsndfile refuses goes to another program, which has its own fuzzers."""
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", "")


@pytest.mark.parametrize("name", TARGETS)
def test_the_file_that_is_broken_below_is_a_good_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / TARGETS[name].file
    path.write_bytes(TARGETS[name].whole)
    TARGETS[name].read(path)


@pytest.mark.parametrize("name", TARGETS)
def test_a_hundred_broken_files_of_each_kind_are_refused_or_read(name: str, tmp_path: Path) -> None:
    assert fuzz(name, tmp_path, range(100)) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", TARGETS)
def test_a_hundred_thousand_broken_files_of_each_kind_are_refused_or_read(
    name: str, tmp_path: Path
) -> None:
    assert fuzz(name, tmp_path, range(100_000)) == []
