"""Photos of a package: their ImageNet class, and a fingerprint of what they show."""

from __future__ import annotations

import os

from engine.data.formats.photos import Photos
from engine.data.imagenet import imagenet_ids


def test_photos_carry_their_imagenet_class_and_the_content_is_the_fingerprint(photos):
    files = [("dog one", photos / "dog" / "a.jpg", 207), ("dog two", photos / "dog" / "b.png", 208)]
    two = Photos("photos", files)
    assert two.labels().tolist() == [207, 208]
    unnamed = "ImageNet class 208, whose name is not known here"
    assert two.describe(1) == {"id": 1, "name": "dog two", "kind": unnamed}
    named = Photos("photos", files, imagenet_ids())
    assert [named.describe(index)["kind"] for index in range(2)] == ["golden retriever", "Labrador retriever"]
    assert abs(int(two.image(0)[0, 0, 0]) - 10) <= 2
    os.utime(photos / "dog" / "a.jpg", (1, 1))
    assert Photos("photos", files).fingerprint == two.fingerprint
    assert Photos("photos", files[:1]).fingerprint != two.fingerprint
