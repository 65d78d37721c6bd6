"""Which extra has a wheel for every dependency on which machine: a table, exit code 1 with a gap.

    python .ci/resolve.py [EXTRA ...]          needs uv; reads an index of packages

Nothing is installed. A gap that `ACCEPTED` names is printed with its reason and fails nothing; one
that it names and that is none any more fails, so that the list stays true.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
MACHINES: Final = {
    "Raspberry Pi OS 64": "aarch64-manylinux_2_36",
    "Linux x86-64": "x86_64-manylinux_2_28",
    "macOS 14 arm64": "aarch64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}
PYTHONS: Final = ("3.11", "3.12", "3.13")
SKIPPED: Final = {"docs", "dev", "all"}  # of a checkout; and the sum of others
_MODERNGL: Final = "moderngl and glcontext are built from source there (gcc, python3-dev)"
ACCEPTED: Final = {
    ("sim", "Raspberry Pi OS 64"): _MODERNGL,
    (
        "vision",
        "Raspberry Pi OS 64",
    ): "mediapipe >= 1.2 has a wheel, but sends usage data and has no switch",
    ("calibrate", "Raspberry Pi OS 64"): f"as vision and sim: {_MODERNGL}",
}
"""(extra, machine) -> why a package without a wheel is accepted there."""


def gap(extra: str, platform: str, python: str) -> str:
    """What has no wheel, in the words of the resolver; empty if everything has one."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--no-header",
        "--no-annotate", "--only-binary", ":all:", "--python-platform", platform,
        "--python-version", python, *(["--extra", extra] if extra else []),
    ]  # fmt: skip
    env = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the oldest that torch supports
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    if not re.search(r"No solution found", done.stderr):
        return f"the resolver failed: {done.stderr.strip()[-200:]}"
    text = " ".join(done.stderr.replace("│", " ").split())
    found = re.search(r"(\S+) has no (?:usable )?wheels?( with a matching [\w ]+)?", text)
    return found[0] if found else text[-300:]


def main(extras: list[str]) -> int:
    """Print the table. Returns the exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    every = ["", *(e for e in project["optional-dependencies"] if e not in SKIPPED)]
    names, code = list(PYTHONS), 0
    print(f"{'':12}{'':22}" + "".join(f"{p:>8}" for p in names))
    for extra in extras or every:
        for machine, platform in MACHINES.items():
            with ThreadPoolExecutor() as pool:  # each waits for the index
                found = pool.map(partial(gap, extra, platform), names)
                gaps = dict(zip(names, found, strict=True))
            row = "".join(f"{'-' if gaps[p] else 'wheels':>8}" for p in names)
            print(f"{extra or '(core)':12}{machine:22}{row}", flush=True)
            for python, why in gaps.items():
                accepted = ACCEPTED.get((extra, machine))
                if why:
                    print(f"    {python}: {why}" + (f" (accepted: {accepted})" if accepted else ""))
                code |= bool(why) != bool(accepted)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
