"""Texts that are longer than a CLIP reads: what was kept of them is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.models import catalog
from engine.models.text import cut_short, says_cut, text_embedding
from tests.engine.clips import TINY, add_clip

WORDS = [*"abcdefghijklmnop"]


@pytest.fixture
def reader(tmp_path: Path, configured):
    configured(models_toml="models.toml")
    add_clip(tmp_path, "clip", TINY)  # reads 16 tokens: 14 beside the first and the last
    return catalog.load("local/clip", "cpu")


def test_what_is_kept_of_a_text_has_its_embedding_and_one_word_less_has_not(reader) -> None:
    text = " ".join(WORDS)
    kept = cut_short(reader, [text])[text]
    assert kept == " ".join(WORDS[:14])
    whole, beginning, shorter = text_embedding(reader, [text, kept, " ".join(WORDS[:13])])
    assert np.array_equal(whole, beginning) and not np.allclose(whole, shorter)


def test_a_text_that_fits_is_not_told_even_where_it_just_fits(reader) -> None:
    assert cut_short(reader, [" ".join(WORDS[:count]) for count in (1, 13, 14)]) == {}
    assert [*cut_short(reader, ["cat", " ".join(WORDS[:15])])] == [" ".join(WORDS[:15])]
    assert cut_short(reader, []) == {}


def test_many_are_told_in_short() -> None:
    assert says_cut({}) == []
    told = says_cut({f"a{number} b": f"a{number}" for number in range(5)})
    assert len(told) == 4 and "“a0 b” it read only “a0”" in told[0] and "2 further" in told[3]
