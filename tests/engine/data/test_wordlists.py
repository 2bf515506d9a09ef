"""Lists of words as people keep them, on lines or in tables; and what is no list of words."""

from __future__ import annotations

import pytest

from engine.core.errors import RefusedFile
from engine.data.wordlists import read_words, write_words


@pytest.mark.parametrize(
    ("text", "words", "scores"),
    [
        ("sea\nsky", ("sea", "sky"), None),
        ("\ufeffsea\r\nsky\r\n", ("sea", "sky"), None),
        ("word,concreteness\nsea,4.5\nlove,1.2\n", ("sea", "love"), (4.5, 1.2)),
        ("sea,4.5\nlove,1.2\n", ("sea", "love"), (4.5, 1.2)),
        ('"salt, pepper",x\nsea,\n', ("salt, pepper", "sea"), None),
        ("sea,nan\nlove,1.2\n", ("sea", "love"), None),
        ("sea,4.5\nlove,inf\n", ("sea", "love"), None),
    ],
)
def test_words_stand_on_lines_or_in_the_first_column_of_a_table(text, words, scores):
    found = read_words(text.encode(), "words.csv")
    assert (found.words, found.scores) == (words, scores)
    assert read_words(write_words(found).encode(), "again") == found


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is not UTF-8 text"),
        (b"sea\x00sky", "is not text"),
        (b"", "holds no words"),
        (b" \n\t\n", "holds no words"),
        (b"sea\n" + b"x" * 101, "a word of 101 characters"),
        ("\n".join(map(str, range(50_001))).encode(), "holds 50,001 words; a vocabulary may have 50,000"),
        (b"a" * (16 << 20) + b"\n", "has more than 16 MB; a list of words may have at most that"),
    ],
)
def test_what_is_no_list_of_words_is_refused_in_one_sentence(data, says):
    with pytest.raises(RefusedFile, match=says) as refusal:
        read_words(data, "words.txt")
    assert len(str(refusal.value)) < 200 and "\n" not in str(refusal.value)
