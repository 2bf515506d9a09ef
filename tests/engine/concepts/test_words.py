"""Words as a reader reads them: what open_clip itself gives, for every word of a list in its order; and who cannot read."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch

from engine.concepts.words import WordsRequest, aligned, check_text, image_embeddings, reader_of, similarities
from engine.core.errors import BadRequest
from engine.core.request import build
from engine.data import uploads
from engine.models import catalog
from engine.models import text as text_tower
from engine.models.text import scale, text_embedding
from tests.engine.clips import TEXT_SUMS, Desk
from tests.rounding import close

TEXTS = ("music", "a bird above the sea", "snow")


@pytest.fixture
def loaded(person) -> catalog.LoadedModel:
    return reader_of("local/clip")


def test_a_text_is_read_as_open_clip_reads_it_at_length_one(loaded):
    tokens = open_clip.SimpleTokenizer(context_length=16)(list(TEXTS))
    expected = loaded.clip.encode_text(tokens, normalize=True).numpy()
    close(text_embedding(loaded, TEXTS), expected, *TEXT_SUMS)


def test_how_many_texts_are_read_at_once_does_not_count(loaded, monkeypatch):
    together, told = text_embedding(loaded, TEXTS), []
    monkeypatch.setattr(text_tower, "BATCH", 2)
    close(text_embedding(loaded, TEXTS, told.append), together, *TEXT_SUMS)
    assert told == [0, 2]


def test_a_vocabulary_is_read_in_its_order_each_word_in_the_template(loaded):
    digest = uploads.keep_words(b"snow\nmusic\n", "words.txt")
    request = build(WordsRequest, reader="local/clip", vocabulary=f"voc-{digest}", template="the {}!")
    result = Desk().compute(request)
    assert result.facts["words"] == ["snow", "music"]
    close(result.arrays["embedding"], text_embedding(loaded, ["the snow!", "the music!"]), *TEXT_SUMS)
    other = build(WordsRequest, reader="local/clip", vocabulary=f"voc-{digest}")
    assert other.key() != request.key()


def test_how_well_words_fit_images_is_what_the_whole_model_says(loaded, person):
    """From the stored embeddings of a data set, against open_clip's own logits for the same pictures."""
    numbers, images = image_embeddings(Desk(), "local/clip", "squares")
    fits = similarities(images, text_embedding(loaded, TEXTS))
    assert numbers.tolist() == list(range(40)) and fits.shape == (40, 3)
    from engine.data.registry import open_dataset

    _, pixels = next(open_dataset("squares").batches((32, 32), 40))
    pictures = loaded.normalize(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    whole = loaded.clip(pictures, loaded.tokenizer(list(TEXTS)))
    expected = (whole[0] @ whole[1].T).numpy()
    np.testing.assert_allclose(fits, expected, atol=2e-5)
    assert scale(loaded) == pytest.approx(float(whole[2]), rel=1e-3)


def test_rows_of_two_indexes_are_paired_by_the_number_of_their_image():
    first, second = np.arange(30)[::-1], np.arange(4, 40)
    here, there = aligned(first, second, "d")
    assert (first[here] == second[there]).all() and first[here].tolist() == list(range(4, 30))


@pytest.mark.parametrize("read", [reader_of, lambda name: text_embedding(catalog.load(name), ["sea"])])
def test_a_model_without_a_text_tower_cannot_read(read):
    with pytest.raises(BadRequest) as refusal:
        read("starter-cnn")
    assert str(refusal.value) == ("starter-cnn has no text tower. Choose a CLIP, like open_clip/ViT-B-16/openai.")


def test_text_is_taken_with_single_spaces_and_neither_empty_nor_endless():
    assert check_text("  sea\n bird ") == "sea bird" and len(check_text("x" * 300)) == 300
    for text, says in (("", "No text given"), ("\t\n", "No text given"), ("y" * 5000, "The text has 5,000 char")):
        with pytest.raises(BadRequest, match=says):
            check_text(text)


@pytest.mark.parametrize("template", ["", "a photo", "{} and {}", "{}" + "x" * 100])
def test_a_template_says_once_where_the_word_goes(template):
    with pytest.raises(BadRequest, match="template: a template has"):
        build(WordsRequest, template=template)
