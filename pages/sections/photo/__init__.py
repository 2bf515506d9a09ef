"""One photo in two models: their answers, the units that fire most in each layer, and words for it."""
