"""ImageNet's classes by their ids and names."""

from __future__ import annotations

from engine.data.imagenet import readable


def test_ids_read_as_names_for_people():
    assert (readable("n02124075"), readable("tabby, tabby cat"), readable("cat")) == ("Egyptian cat", "tabby", "cat")
