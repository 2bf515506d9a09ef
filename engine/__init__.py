"""Vitrine's engine: what is computed. Knows torch, knows no Streamlit."""

__version__ = "0.1.0"
