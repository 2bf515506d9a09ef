"""What results look like that nobody wrote a drawing for."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    import numpy as np
    import pandas as pd

    from engine.core.request import Result
    from pages.common.experiments import drawings

    result = Result(
        {"experiment": "drawn-for-tests"},
        {"images": np.zeros((3, 8, 8, 3), np.uint8), "scores": np.array([[-1.5, np.nan], [0.25, 2]])},
        {"rows": pd.DataFrame({"n": [1, 2]})},
        {"seconds": 0.5, "device": "cpu", "variants": [1, 2]},
    )
    drawings.draw(result, "key")


def test_tables_images_and_arrays_are_all_there() -> None:
    app = AppTest.from_function(script).run()
    assert not app.exception
    assert [header.value for header in app.header] == ["rows", "images", "Arrays"]
    assert app.dataframe[0].value["n"].tolist() == [1, 2]
    assert app.dataframe[1].value.to_dict("records") == [
        {"array": "scores", "shape": "2 × 2", "from": "−1.5", "to": "2"}
    ]
    assert len(app.get("image")) == 3
    assert "seconds 0.5 · device cpu" in app.caption[-1].value
