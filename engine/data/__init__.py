"""Data sets: what one is, which there are, and what people give by upload."""
