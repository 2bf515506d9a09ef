"""One module a place that models come from."""
