"""Every route and every layer of the server, in one place: what `app.py` hands to `st.App`.

A group of routes is a module with a list `ROUTES`; it is served once its name stands in `GROUPS`.
"""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from streamlit import config as streamlit_config

from pages.routes import answers, api, health, metrics
from pages.routes.arrivals import Browsers, Proxies, SigningIn
from pages.routes.guard import Guard, Uploads
from pages.routes.headers import Headers
from pages.routes.requests import Requests

GROUPS: tuple[list[Route], ...] = (health.ROUTES, metrics.ROUTES, api.ROUTES, answers.ROUTES)
"""The first that fits answers; the last says that there is nothing."""

LAYERS = (Requests, Headers, Guard, answers.Failures, Proxies, Uploads, SigningIn, Browsers)
MIDDLEWARE = [*map(Middleware, LAYERS)]
"""From the outermost inwards; Streamlit's own follow."""


def routes() -> list[BaseRoute]:
    """All routes; below a sub-path (`server.baseUrlPath`) there and at the root, where a health check looks for them."""
    here = [route for group in GROUPS for route in group]
    path = (streamlit_config.get_option("server.baseUrlPath") or "").strip("/")
    # Not one Mount: that would answer for everything below the path, and the app stands there too.
    below = [Route(f"/{path}{each.path}", each.endpoint, methods=each.methods) for each in here] if path else []
    return [*here, *below]
