"""The unit: what systemd makes of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mien.robot.errors import InputError
from mien.robot.service.unit import NAME, ours, quoted, unit_path, unit_text

COMMAND = ["/usr/bin/true", "live", "--text", 'say "100 %" for $5 \\ now', "--mic", ""]


def test_words_keep_their_meaning() -> None:
    assert quoted("--port=/dev/tty-1.2") == "--port=/dev/tty-1.2"
    assert quoted("") == '""'
    assert quoted("a b") == '"a b"'
    assert quoted('%h $HOME "x" \\') == '"%%h $$HOME \\"x\\" \\\\"'
    assert quoted("/a$b c", variables=False) == '"/a$b c"'
    for wrong in ("a\nb", "\x00", "a\tb", "\u202e"):
        with pytest.raises(InputError, match="control character"):
            quoted(wrong)
    for folder in ("/a\nb", "/a "):
        with pytest.raises(InputError, match="cannot stand"):
            unit_text("hobby9", COMMAND, Path(folder))


def test_a_unit_knows_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = unit_text("hobby9", COMMAND, Path("/tmp"))
    assert ours(text)
    assert not ours("[Unit]\n" + text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert unit_path() == tmp_path / "systemd" / "user" / NAME
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert unit_path() == Path("/home/somebody/.config/systemd/user") / NAME


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "100 % mine"
    folder.mkdir()
    path = tmp_path / NAME
    for text, fine in ((unit_text("hobby9", COMMAND, folder), True), ("[Service]\nX=1\n", False)):
        path.write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "--user", "verify", "--man=no", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        about = [line for line in done.stderr.splitlines() if NAME in line]
        assert (not about) == fine, done.stderr
