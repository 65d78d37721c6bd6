"""Sound on a disk that is full: an error that names the file, and the file before stays."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np

from mien.robot.media.sound_file import read, write


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    sound = np.sin(np.arange(800) / 20).astype(np.float32)
    write(tmp_path / "a.wav", sound, 16000)
    again, rate = read(tmp_path / "a.wav")
    assert rate == 16000
    assert np.abs(again.reshape(-1) - sound).max() < 1e-4


def test_a_full_disk_names_the_file_and_keeps_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path, np.zeros(100, np.float32), 16000)
    before = path.read_bytes()
    code = (
        "import resource, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from mien.robot.media.sound_file import write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: write(Path(sys.argv[1]), np.zeros(9000, np.float32), 16000)\n"
        "except OSError as e: print(e.errno, e.filename)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(errno.EFBIG), str(path)]
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
