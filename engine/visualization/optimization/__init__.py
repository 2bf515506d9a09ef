"""Gradient ascent on pictures: what is moved, how it is seen, by what, and how many at once."""
