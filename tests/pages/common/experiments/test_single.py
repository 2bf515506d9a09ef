"""Any experiment on its page: a plugin's has a form, a result and a link; what it is asked for is limited like elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.experiments import find
from engine.data.registry import open_dataset
from engine.models.catalog import sites_of
from pages.common.experiments import drawings, single
from tests import toy
from tests.conftest import ROOT

NAMES = iter(range(100))


@pytest.fixture(params=[True, False], ids=["drawn", "not drawn"])
def drawn(request: pytest.FixtureRequest, tmp_path: Path, plugins: Callable[..., None]) -> Iterator[bool]:
    """Whether the toy experiment, which is a plugin in this test, brings a drawing."""
    plugins(toy.package(tmp_path, f"toy_on_a_page_{next(NAMES)}", drawn=request.param))
    drawings.load()
    yield request.param
    drawings.DRAWINGS.pop("brightness", None)


def opened(**link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.run()
    app = app.switch_page("pages/background.py")
    app.query_params.update(link)
    return app.run()


def finish(app: AppTest) -> AppTest:
    from engine.jobs.scheduler import jobs

    for job in jobs().active():
        if job.request.experiment == "brightness":
            jobs().wait(job, 240)  # it may stand behind an index of the home page
    return app.run()


def test_a_plugins_experiment_is_filled_in_run_and_linked_on_its_page(drawn: bool) -> None:
    page = opened()
    assert not page.exception and "Further experiments" in [header.value for header in page.header]
    app = opened(experiment="brightness")
    assert not app.exception and not app.error and not app.warning
    assert app.title[0].value == "Brightness"
    images = app.number_input(key="one_brightness_images")
    assert (images.value, images.min, images.max) == (3, 1, 100) and "how many images" in images.help.lower()
    images.set_value(2).run()
    app.toggle(key="one_brightness_squared").set_value(True).run()
    app.button(key="one_brightness_run").click().run()
    assert not app.exception and not app.error
    link = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert link == {"experiment": "brightness", "images": "2", "squared": "1"}
    shown = finish(app)
    check(shown, drawn)
    check(opened(**link), drawn)


def check(app: AppTest, drawn: bool) -> None:
    """The result of two images, squared, is on the page."""
    grey = [float((open_dataset("starter").image(number).astype(float) ** 2).mean()) for number in range(2)]
    assert not app.exception and not app.error
    if drawn:
        assert app.metric[0].value == f"{sum(grey) / 2:.2f}"
    else:
        assert app.dataframe[0].value["grey"].tolist() == pytest.approx(grey)


def test_a_link_to_what_is_not_there_offers_to_compute_it_and_starts_nothing(drawn: bool) -> None:
    from engine.jobs.scheduler import jobs

    app = opened(experiment="brightness", images="77")
    assert app.button(key="one_brightness_compute").label == "Run"
    assert not [job for job in jobs().active() if job.request.experiment == "brightness"]


def test_garbage_in_a_link_is_named() -> None:
    app = opened(experiment="no-such-thing")
    assert not app.exception and "no experiment" in app.error[0].value
    app = opened(experiment="unit-map", model="starter-vit", site="blocks.6.mlp.hidden", data="nowhere")
    assert not app.exception and "no data set" in app.warning[0].value


def test_a_link_cannot_ask_for_more_than_the_pages_do(configured: Callable[..., None]) -> None:
    configured(demo=True, demo_max_units=2)
    kind = find("visualize").kind
    allowed = kind(model="starter-vit", site="blocks.6.mlp.hidden", units=(1,), targets=("head2",))  # type: ignore[call-arg]
    more = allowed.model_copy(update={"units": (1, 2)})
    assert "3 units requested at once; the limit is 2" in str(single.refusal(more))
    assert "at once" not in str(single.refusal(allowed))


def test_a_layer_is_chosen_from_those_of_the_model_and_one_is_chosen_already() -> None:
    app = opened(experiment="unit-cues")
    assert not app.exception and not app.error
    site, model = app.selectbox(key="one_unit-cues_site"), app.selectbox(key="one_unit-cues_model")
    assert (model.value, site.value) == ("starter-vit", "blocks.6.mlp.hidden")
    assert site.options == [*sites_of("starter-vit")]
    app = model.set_value("starter-cnn").run()
    assert not app.exception and not app.error
    assert app.selectbox(key="one_unit-cues_site").value == "stages.3.blocks.0"


def test_a_layer_that_a_link_names_and_the_model_does_not_have_is_not_replaced_by_another() -> None:
    app = opened(experiment="unit-cues", model="starter-vit", site="stages.9")
    assert not app.exception and app.selectbox(key="one_unit-cues_site").value == "stages.9"
