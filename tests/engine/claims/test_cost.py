"""What is said before computing grows with images, passes and networks, and is said in minutes."""

from __future__ import annotations

from engine.claims import cost
from engine.claims.claim import Part
from engine.claims.order import STARTER, parts
from engine.reliance.background import BackgroundRequest
from engine.reliance.frequency import FrequencyRequest
from engine.reliance.gradient_spectrum import GradientSpectrumRequest
from engine.reliance.texture import TextureRequest
from engine.spatial.layers import LayersRequest
from engine.spatial.maps import MapsRequest


def test_more_images_and_more_passes_cost_more() -> None:
    few, many = (BackgroundRequest(model="starter-vit", limit=limit) for limit in (100, 600))
    filtered = FrequencyRequest(model="starter-vit", limit=600)
    assert cost.seconds_of(few) < cost.seconds_of(many) < cost.seconds_of(filtered)
    assert cost.passes(many) == 3 and cost.passes(filtered) == len(filtered.filters())


def test_a_request_for_all_images_counts_them() -> None:
    every, some = LayersRequest(model="starter-vit"), LayersRequest(model="starter-vit", images=100)
    assert cost.seconds_of(every) > 3 * (cost.seconds_of(some) - cost.OVERHEAD)


def test_each_kind_of_measurement_counts_its_own_passes() -> None:
    one, all_ = MapsRequest(model="starter-vit", image="3"), LayersRequest(model="starter-vit")
    assert cost.seconds_of(one) < cost.OVERHEAD + 1 < cost.seconds_of(all_), "a single image goes through once"
    texture = TextureRequest(model="starter-vit")
    assert cost.passes(texture) == len(texture.variants())
    assert cost.passes(GradientSpectrumRequest(model="starter-vit")) == 8 * cost.BACK, "its eight blocks"


def test_pictures_cost_by_the_picture() -> None:
    explains = parts(STARTER)["explains-a"].request
    fewer = explains.model_copy(update={"each": 1})
    assert cost.extra(explains, 0) > 5 * cost.extra(fewer, 0) > 0


def test_it_is_said_in_words() -> None:
    one = Part("a", "layers", LayersRequest(model="starter-cnn", data="photos"))
    assert cost.in_words([one]) == "under a minute on two cores"
    told = cost.in_words([*parts(STARTER).values()])
    assert told.startswith("about ") and "minutes on two cores" in told
