"""Vitrine's cache: where results are kept. Knows diskcache; knows neither torch nor Streamlit."""
