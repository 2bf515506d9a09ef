"""The feature visualization page."""
