"""What a source of models has without saying so: weights in a file, names of classes, and what its models' results belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.errors import Unavailable
from engine.models import catalog
from engine.models.checkpoints import digest
from engine.models.loaded import Entry
from engine.models.source import Source, fingerprint_of

PLAIN = Entry("zoo/toy", "zoo", "resnet18", "a file", available=True, classes=2)


class Zoo(Source):
    name, title, prefix = "zoo", "The zoo", "zoo/"

    def entries(self):
        return [PLAIN, replace(PLAIN, name="zoo/other")]

    def build(self, entry, state):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("entry", "names", "mark"),
    [
        (PLAIN, None, "a80a1f952e739b0d78c29ef36c117233"),
        (PLAIN, ("cat", "dog"), "dc0bbac7425b14c0860c84b5e3cc7294"),
        (
            replace(PLAIN, kwargs={"img_size": 64, "class_token": False}, mean=(0.5, 0.5, 0.5)),
            None,
            "24fdf357f36a47793ca269b5ffa52613",
        ),
        (replace(PLAIN, config={"model_cfg": {"embed_dim": 8}}), ("cat", "dog"), "2e35ceb03d079c36f29a92a71a1b7376"),
    ],
)
def test_fingerprints_stay_what_they_are_because_stored_results_belong_to_them(
    entry: Entry, names: tuple[str, ...] | None, mark: str
) -> None:
    assert fingerprint_of(entry, "the weights' digest", names) == mark


@pytest.mark.parametrize(
    ("architecture", "mark"),
    [
        ("tiny_vit_5m_224", "c72435d3edf5295096ae338027fc218f"),
        ("efficientformer_l1", "8bbcc96094fde350e34cd34bbe4c0106"),
        ("gcvit_tiny", "571fde99a974f02c5525ea688f0053d3"),
        ("davit_tiny", "f63d20a011d9343162176e68bb20a5f1"),
        ("samvit_base_patch16_224", "d3329a5cffe07bee6052b91bd26faa3e"),
    ],
)
def test_results_that_read_queries_keys_and_values_wrongly_are_not_found_any_more(architecture: str, mark: str) -> None:
    assert fingerprint_of(replace(PLAIN, architecture=architecture), "the weights' digest") != mark
    sibling = replace(PLAIN, architecture="efficientformerv2_l")
    assert fingerprint_of(sibling, "the weights' digest") == "591f33adf09b928758ad71b29af98acb"


def test_what_people_read_of_a_model_is_no_part_of_its_fingerprint() -> None:
    told = replace(PLAIN, note="slow", licence="MIT", weights="elsewhere", top1=0.5, name="zoo/again")
    assert fingerprint_of(told, "w") == fingerprint_of(PLAIN, "w") != fingerprint_of(PLAIN, "v")


def test_the_weights_of_an_entry_are_the_file_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "toy.safetensors"
    file.write_bytes(b"weights")
    entry = replace(PLAIN, path=file, class_names=("cat", "dog"))
    assert Zoo().fetch(entry) == (file, digest(file))
    assert Zoo().fingerprint(entry) == fingerprint_of(entry, digest(file), ("cat", "dog"))
    assert Zoo().class_names(entry) == ("cat", "dog")
    for absent in (replace(entry, available=False, note="Asleep."), replace(entry, path=None, note="Asleep.")):
        with pytest.raises(Unavailable, match=r"^zoo/toy is not available\. Asleep\.$"):
            Zoo().fetch(absent)


def test_an_entry_is_found_by_its_whole_name() -> None:
    assert Zoo().find("zoo/other") == replace(PLAIN, name="zoo/other") and Zoo().find("other") is None


def test_the_starters_class_names_are_no_part_of_their_fingerprints() -> None:
    entry = catalog.find("starter-vit")
    assert entry.class_names and entry.path is not None
    assert catalog.fingerprint("starter-vit") == fingerprint_of(entry, digest(entry.path))
