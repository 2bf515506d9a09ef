"""Vitrine's entry: page config, navigation and the machine's status; nothing else.

`streamlit run app.py` imports this file once as the server (which warms the engine up), and runs it for every page.
"""

from __future__ import annotations

import streamlit as st

from engine.core.request import one_request
from pages.common import errors, results, serve
from pages.common.experiments.places import HOME, MODELS, SCRIPTS
from pages.sections.home import status

if __name__ == "__main__":
    st.set_page_config("Vitrine", "🖼️", layout="wide")
    serve.warm_up()
    home = st.Page(HOME, title="Home", icon=":material/museum:", default=True)
    visualization = st.Page(SCRIPTS["visualize"], title="Feature visualization", icon=":material/visibility:")
    spatial = st.Page(SCRIPTS["spatial"], title="Spatial probe", icon=":material/grid_on:")
    reliance = st.Page(SCRIPTS["reliance"], title="Background and texture", icon=":material/texture:")
    concepts = st.Page(SCRIPTS["concepts"], title="Concepts", icon=":material/translate:")
    models = st.Page(MODELS, title="Models", icon=":material/deployed_code:")
    page = st.navigation({"": [home, visualization, spatial, reliance, concepts], "Reference": [models]})
    with errors.shown(), results.labelled(), one_request():
        page.run()
    with st.sidebar:
        status.panel()
else:
    app = st.App(__file__, lifespan=serve.lifespan, middleware=serve.MIDDLEWARE, on_script_error=errors.last_net)
