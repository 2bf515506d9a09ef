"""Data sets: what one is, which there are, and what people give by upload; word lists too.

What belongs here says which images and labels there are. How a kind of file is read stands in `formats`; what a model makes
of the images, in `evaluation`."""
