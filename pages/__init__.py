"""Vitrine's pages: the only place that knows Streamlit. Widgets -> Request -> jobs -> draw."""
