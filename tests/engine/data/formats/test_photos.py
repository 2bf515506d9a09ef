"""Photos of a package: their ImageNet class, and a fingerprint of what they show."""

from __future__ import annotations

import os

from engine.data.formats.photos import Photos


def test_photos_carry_their_imagenet_class_and_the_content_is_the_fingerprint(photos):
    files = [("dog one", photos / "dog" / "a.jpg", 207), ("dog two", photos / "dog" / "b.png", 208)]
    two = Photos("photos", files)
    assert two.labels().tolist() == [207, 208]
    assert two.describe(1) == {"id": 1, "name": "dog two", "kind": "ImageNet class 208"}
    assert abs(int(two.image(0)[0, 0, 0]) - 10) <= 2
    os.utime(photos / "dog" / "a.jpg", (1, 1))
    assert Photos("photos", files).fingerprint == two.fingerprint
    assert Photos("photos", files[:1]).fingerprint != two.fingerprint
