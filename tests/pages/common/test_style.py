"""What every page looks like beyond the theme stands on it once, and leaves alone what cannot be pressed."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from pages.common import colours, style

PAGE = """
from pages.common import style
style.draw()
"""


def test_the_rules_stand_on_the_page_once_with_the_themes_own_text_colour() -> None:
    app = AppTest.from_string(PAGE, default_timeout=60).run()
    (rules,) = [each.proto.body for each in app.get("html")]
    assert rules.count("<style>") == 1 and colours.of("text") in rules
    assert rules.count("{") == rules.count("}"), "every rule ends"


def test_a_button_that_cannot_be_pressed_keeps_its_pale_text() -> None:
    assert style._BUTTONS.endswith(":not(:disabled) p") and "stBaseButton-primary" not in style._BUTTONS
