"""The concept browser: units named by words, words looked up in units, and how well both fit.

What belongs here draws results of `engine.concepts` and asks for them."""
