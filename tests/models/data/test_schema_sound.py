"""Sound of training data whose header is wrong."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.models.data import media
from mien.models.speech.features import RATE


def flac(total: int | None) -> bytes:
    """Two seconds of sound in a file that announces ``total`` samples; None: the true number."""
    raw = io.BytesIO()
    soundfile.write(raw, 0.5 * np.sin(np.arange(2 * RATE) / 9), RATE, "PCM_16", format="FLAC")
    content = bytearray(raw.getvalue())
    if total is not None:
        head = int.from_bytes(content[21:26], "big") & 0xF000000000
        content[21:26] = (head | total).to_bytes(5, "big")
    return bytes(content)


@pytest.mark.parametrize("total", [0, 2**36 - 1, 2**31])
def test_the_length_comes_from_the_data(tmp_path: Path, total: int) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(flac(None))
    expected = media.sound(path)
    assert len(expected) == 2 * RATE
    path.write_bytes(flac(total))
    np.testing.assert_allclose(media.sound(path), expected, atol=1)
