"""Vitrine's pages: the only place that knows Streamlit. Widgets -> Request -> jobs -> draw.

What belongs here is one script a page, which puts sections in order; they stand in `sections/<page>/`, and what several
pages share in `common`."""
