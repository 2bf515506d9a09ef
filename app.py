"""Vitrine's entry: page config, navigation and the machine's status; nothing else.

`streamlit run app.py` imports this file once as the server (which warms the engine up), and runs it for every page.
"""

from __future__ import annotations

import streamlit as st
from starlette.middleware import Middleware

from engine.core.request import one_request
from pages.common import errors, results, serve, style
from pages.common.experiments import places
from pages.common.experiments.places import LOOKS, SCRIPTS
from pages.common.keeping import news, short
from pages.routes import arrivals, ending, served, streamlit_fixes
from pages.routes.first_light import FirstLight
from pages.routes.requests import page_run
from pages.sections.claims.ahead import look_ahead
from pages.sections.home import exhibition, first_light, status
from pages.sections.home.quiet import quiet_requests
from pages.sections.people import foot, gate

if __name__ == "__main__":
    st.set_page_config("Vitrine", "🖼️", layout="wide")
    serve.warm_up()
    refusal = gate.refusal()
    home = st.Page(places.HOME, title="Home", icon=":material/museum:", default=True)
    claims = st.Page(places.CLAIMS, title="The paper", icon=":material/fact_check:")
    shown = [st.Page(SCRIPTS[each], title=title, icon=f":material/{icon}:") for each, (title, icon) in LOOKS.items()]
    models = st.Page(places.MODELS, title="Models", icon=":material/deployed_code:")
    collections = st.Page(places.COLLECTIONS, title="Collections", icon=":material/bookmarks:")
    history = st.Page(places.HISTORY, title="History", icon=":material/history:")
    tokens = st.Page(places.TOKENS, title="API tokens", icon=":material/key:")
    result = st.Page(places.RESULT, title="Result", icon=":material/table_chart:", visibility="hidden")
    rooms = {
        "": [home, claims, *shown, collections, result],
        "More": [history, models, tokens, *gate.rooms()],
    }
    page = st.navigation(rooms, position="hidden" if refusal else "top")
    places.note_open(page.url_path)
    style.draw()
    if refusal:
        gate.draw(refusal)
    else:
        short.follow()
        above = st.container()
        with page_run(page.title), errors.shown(), results.labelled(), one_request():
            page.run()
        with above:
            news.draw()
        status.panel()
        foot.draw()
    serve.drawn()
else:
    arrivals.see_peers()
    streamlit_fixes.apply()
    app = st.App(
        __file__,
        lifespan=ending.lifespan(serve.lifespan(exhibition.ready, look_ahead, quiet_requests)),
        routes=served.routes(),
        middleware=[*served.MIDDLEWARE, Middleware(FirstLight, markup=first_light.markup)],
        on_script_error=errors.last_net,
    )
