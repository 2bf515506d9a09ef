"""Vitrine's engine: what is computed. Knows torch, knows no Streamlit."""

__version__ = "0.1.0"
COMMAND = "python -m engine" if __name__ == "engine" else "vitrine"
"""What a person types to carry out requests without a browser: here, and where the package `vitrine` is installed."""
