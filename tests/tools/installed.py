"""Uses an installed Mien as a user would. ``.ci/wheel`` copies this file out of the checkout.

Argument: ``core`` (no extra is installed) or ``all``. Prints what it checked; fails at the first
thing that is not so.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

MIEN = Path(sys.executable).with_name("mien")
HEAVY = ("torch", "mujoco", "mediapipe", "matplotlib", "cv2")
LIGHT = ("--help", "--version", "estop --help", "doctor --help")
CORE_MB = 6.0
"""Size that an installed core may have, without weights and with bytecode."""
REACHED_MB = 7.0
"""Shows and songs took the core over ``CORE_MB``. They belong into a distribution of their own, and
until then it must not grow further."""
WEIGHTS = (".safetensors", ".task")


def run(*words: str, code: int | None = 0) -> str:
    """Output of ``mien WORDS``, which must end with ``code``."""
    done = subprocess.run([MIEN, *words], capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    assert code is None or done.returncode == code, f"mien {words}: {done.returncode}\n{said}"
    assert "Traceback" not in said, said
    return said


def loaded(code: str) -> set[str]:
    """Modules of HEAVY that are in memory after ``code``."""
    show = f"import sys\n{code}\nprint(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def loaded_by_verb(words: str) -> set[str]:
    """Modules of HEAVY that are in memory after ``mien WORDS``."""
    return loaded(
        "import contextlib, io, sys\nfrom mien.robot.verbs import cli\n"
        f"sys.argv = {['mien', *words.split()]!r}\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    cli.main()"
    )


def main(kind: str) -> None:
    """Everything."""
    installed = [Path(str(f)) for f in files("mien") or ()]
    tops = {f.parts[0] for f in installed if not f.parts[0].startswith("..")}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"mien"}, tops
    mine = [f for f in files("mien") or () if str(f).startswith("mien/")]
    assert not [f for f in mine if "/emulator/" in str(f)], "the emulator is GPL"
    size = sum(Path(str(f.locate())).stat().st_size for f in mine if f.suffix not in WEIGHTS) / 1e6
    print(f"installed without weights: {size:.2f} MB, asked {CORE_MB:g}")
    if size > CORE_MB:
        print(f"WARNING: the core is {size - CORE_MB:.2f} MB too large")
    assert size <= REACHED_MB

    assert run("--version").strip()
    listed = run("--help")
    for verb in ("demo", "estop", "doctor", "calibrate", "bench"):
        assert verb in listed, listed
    assert "Emergency stop" in run("estop", "--help")
    run("doctor", code=None)
    run("estop", "--port", "/dev/nothing", code=3)
    assert "checkout" in run("bench", "inverse", code=2)
    for words in ("train speech --steps 1", "train coarticulation --data .", "train prior"):
        assert "checkout" in run(*words.split(), code=2), words
    for words in LIGHT:
        assert not loaded_by_verb(words), (words, loaded_by_verb(words))
    import mien

    assert mien.blendshapes(mien.DEMO_SOUND).shape[1] == 52
    performance = mien.speak(mien.DEMO_SOUND, face="hobby9", emotion="happiness")
    assert performance.commands.shape[1] == 9
    if kind == "core":
        assert not loaded("import mien; mien.speak(mien.DEMO_SOUND, face='hobby9')")
        said = run("demo", code=2)
        assert "pip install 'mien[sim]'" in said, said
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{kind}: all good, {peak:.0f} MB at most")


if __name__ == "__main__":
    main(sys.argv[1])
