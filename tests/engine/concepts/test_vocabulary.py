"""Vocabularies: the starter's words, lists of the settings, lists that a person gave."""

from __future__ import annotations

import pytest

from engine.concepts.vocabulary import open_vocabulary, vocabulary_names
from engine.core.errors import BadRequest, Unavailable
from engine.data import uploads
from engine.data.wordlists import WordList


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


def test_a_list_that_a_person_gave_is_known_by_its_words_and_not_by_how_they_were_written():
    digest = uploads.keep_words(b"sea\nsky\n", "a.txt")
    assert digest == uploads.keep_words(b"sky\n"[:0] + b"sea\r\n\r\nsky", "b.csv")
    assert digest != uploads.keep_words(b"sky\nsea\n", "c.txt")
    found = open_vocabulary(f"voc-{digest}")
    assert found.words == ("sea", "sky") and uploads.words(digest) == WordList(("sea", "sky"))


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
