"""Routes are asked as those of a server that others reach, whatever the checkout's own configuration says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit import config as streamlit_config


@pytest.fixture(autouse=True)
def others_reach_it() -> Iterator[None]:
    usual = streamlit_config.get_option("server.address")
    streamlit_config.set_option("server.address", "0.0.0.0")
    yield
    streamlit_config.set_option("server.address", usual)
