"""Vocabularies: the starter's words, lists of the settings, lists that a person gave; and what is no list of words."""

from __future__ import annotations

import pytest

from engine.concepts.vocabulary import open_vocabulary, vocabulary_names
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.data import uploads
from engine.data.wordlists import WordList, read_words, write_words


def test_the_starters_words_are_its_names_groups_tags_and_places_each_once():
    words = open_vocabulary("starter").words
    assert {"violin", "objects", "music", "love", "sea", "night", "snow"} <= set(words)
    assert len(words) == len(set(words)) and 2500 < len(words) < 3000


def test_a_list_of_the_settings_is_found_beside_the_settings_file(tmp_path, configured):
    (tmp_path / "common.txt").write_text("cat\n\n  hot   dog \ncat\nnaïve\n", encoding="utf-8")
    configured(vocabularies={"common": "common.txt", "lost": "lost.txt"})
    assert vocabulary_names() == ["starter", "common", "lost"]
    assert open_vocabulary("common").words == ("cat", "hot dog", "naïve")
    with pytest.raises(Unavailable, match=r"“lost” cannot be read from .*lost.txt: No such file"):
        open_vocabulary("lost")
    before = open_vocabulary("common").digest
    (tmp_path / "common.txt").write_text("cat\n", encoding="utf-8")
    assert open_vocabulary("common").digest != before, "other words are another vocabulary under the same name"


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


def test_a_list_that_a_person_gave_is_known_by_its_words_and_not_by_how_they_were_written():
    digest = uploads.keep_words(b"sea\nsky\n", "a.txt")
    assert digest == uploads.keep_words(b"sky\n"[:0] + b"sea\r\n\r\nsky", "b.csv")
    assert digest != uploads.keep_words(b"sky\nsea\n", "c.txt")
    found = open_vocabulary(f"voc-{digest}")
    assert found.words == ("sea", "sky") and uploads.words(digest) == WordList(("sea", "sky"))


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
        uploads.keep_words(data, "words.txt")
    assert len(str(refusal.value)) < 200 and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("klingon", BadRequest, "There is no vocabulary “klingon”. Choose one of starter"),
        ("voc-0123456789abcdef", Unavailable, "is not on this machine"),
        ("voc-../../etc/passwd", Unavailable, "is not on this machine"),
    ],
)
def test_an_unknown_vocabulary_is_said_with_what_there_is(name, kind, says):
    with pytest.raises(kind, match=says):
        open_vocabulary(name)
