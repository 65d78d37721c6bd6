from __future__ import annotations

from pathlib import Path

import pytest

from mien.models.data.corpora import hts, voices200
from mien.models.errors import ModelError
from mien.models.speech.phones import SILENCE


def test_every_fifth_speaker_is_held_out(tmp_path: Path) -> None:
    rows = "".join(f"s{i:02d}_{k},{i:02d},m,20,1.0,HELLO\n" for i in range(11) for k in range(2))
    (tmp_path / "words.csv").write_text("clip,speaker,sex,age,seconds,words\n" + rows)
    assert voices200.speakers(tmp_path, held_out=True) == ["04", "09"]
    trains = voices200.speakers(tmp_path, held_out=False)
    assert len(trains) == 9
    assert not {*trains} & {"04", "09"}


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"words\.csv"):
        voices200.speakers(tmp_path, held_out=True)


def test_labels_of_hts_become_phones() -> None:
    labels = (
        "0 2000000 xx^xx-sil+ky=o/A:xx\n2000000 3000000 xx^sil-ky+o=N/A:-2\n"
        "3000000 5000000 sil^ky-o+N=xx/A:-2\n5000000 6000000 ky^o-N+sil=xx/A:-2\n"
    )
    phones = hts.phones(labels, 0.7)
    assert [p.name for p in phones] == [SILENCE, "K", "Y", "AO", "N", SILENCE]
    assert [round(p.start, 3) for p in phones] == [0.0, 0.2, 0.25, 0.3, 0.5, 0.6]
    assert phones[-1].end == pytest.approx(0.7)


def test_sentences_without_their_names(tmp_path: Path) -> None:
    (tmp_path / "ita_x_transcript_utf8.txt").write_text(
        "A_001:えっ嘘でしょ。,エッ\n\nA_002:はい。,ハイ\n"
    )
    assert list(hts.texts(tmp_path)) == ["えっ嘘でしょ。", "はい。"]
