"""The hub: asked once within seconds, and what to do where it does not answer."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from engine.core.errors import Cancelled, Forbidden, Unavailable
from engine.models import catalog, guard
from engine.models import hub as hub_of_models
from tests.engine.models.marked import TINY


def test_without_network_one_sentence_says_how_to_get_the_weights(hub, patience):
    with pytest.raises(Unavailable, match=rf"hub cannot be reached.*hf download timm/{TINY}.*models\.toml") as error:
        catalog.load(f"timm/{TINY}", "cpu")
    assert "\n" not in str(error.value)
    assert patience == [hub_of_models.SECONDS_TO_ANSWER], "asked once, and not waited for"


def test_a_hub_that_never_answers_is_given_up_within_seconds_and_not_asked_again_at_once(hub, monkeypatch, patience):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for _ in range(2):
            with pytest.raises(Unavailable, match="cannot be reached"):
                catalog.load(f"timm/{TINY}", "cpu")
    assert patience == [hub_of_models.SECONDS_TO_ANSWER] and hub_of_models.SECONDS_TO_ANSWER <= 5


def test_weights_are_downloaded_from_a_hub_that_answers(serving):
    model = catalog.load(f"timm/{TINY}", "cpu")
    assert all((tensor == 0.5).all() for tensor in model.module.parameters())
    assert ("GET", f"/timm/{TINY}/resolve/main/model.safetensors") in serving
    assert catalog.find(f"timm/{TINY}").available  # and now without the hub


def test_what_the_cache_holds_is_listed_with_its_size_and_removed(serving):
    catalog.load(f"timm/{TINY}", "cpu")
    assert list(hub_of_models.kept()) == [f"timm/{TINY}"] and hub_of_models.kept()[f"timm/{TINY}"] > 1000
    hub_of_models.remove(f"timm/{TINY}")
    assert hub_of_models.kept() == {} and not catalog.find(f"timm/{TINY}").available


def test_the_size_is_known_before_anything_is_fetched(serving):
    entry = catalog.find(f"timm/{TINY}")
    assert (hub_of_models.size(catalog.source_of(entry).place(entry)) or 0) > 1000
    assert all(command == "HEAD" for command, _ in serving)


def test_whoever_watches_hears_of_every_chunk_and_all_of_them_are_the_file(serving, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    sizes, came = [], []
    with guard.asked(sizes.append, came.append):
        catalog.fingerprint(f"timm/{TINY}")
    assert len(came) > 2 and sum(came) == sizes[0] == sum(hub_of_models.kept().values())


def test_whoever_watches_can_end_it_between_two_chunks_and_nothing_is_left(serving, hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    came = []

    def stop(count):
        came.append(count)
        if len(came) == 2:
            raise Cancelled("That is enough.")

    with guard.asked(came=stop), pytest.raises(Cancelled, match="That is enough"):
        catalog.fingerprint(f"timm/{TINY}")
    assert len(came) == 2 and not catalog.find(f"timm/{TINY}").available
    assert [*hub.glob("models--*/blobs/*")] == [], "no part of the file"
    catalog.fingerprint(f"timm/{TINY}")
    assert catalog.find(f"timm/{TINY}").available, "asked for again, it comes whole"


def test_what_is_watched_comes_over_plain_http_and_other_downloads_as_ever(serving, monkeypatch):
    seen, fetch = [], hub_of_models.hf_hub_download

    def noted(*args, **given):
        seen.append((constants.HF_HUB_DISABLE_XET, "tqdm_class" in given))
        return fetch(*args, **given)

    monkeypatch.setattr(hub_of_models, "hf_hub_download", noted)
    before = constants.HF_HUB_DISABLE_XET
    with guard.asked(came=lambda count: None):
        catalog.fingerprint(f"timm/{TINY}")
    assert seen == [(True, True)] and before == constants.HF_HUB_DISABLE_XET
    hub_of_models.remove(f"timm/{TINY}")
    catalog.fingerprint(f"timm/{TINY}")
    assert seen[1:] == [(before, False)]


def test_nothing_is_fetched_that_the_disk_or_the_settings_have_no_room_for(serving, configured, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(
            hub_of_models.shutil, "disk_usage", lambda folder: SimpleNamespace(free=hub_of_models.LEFT_FREE + 10)
        )
        with pytest.raises(Unavailable, match=r"2\.0 GB free, of which 2 GB stay free"):
            catalog.load(f"timm/{TINY}", "cpu")
    configured(limits={"hub_bytes": 500})
    with pytest.raises(Forbidden, match=r"would take more than 500B \(limits.hub_bytes\)"):
        catalog.load(f"timm/{TINY}", "cpu")
    assert all(command == "HEAD" for command, _ in serving) and hub_of_models.kept() == {}
    configured(limits={"hub_bytes": "2 MiB"})
    assert catalog.load(f"timm/{TINY}", "cpu")
