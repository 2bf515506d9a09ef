"""Words for units, and units for words: what a language-supervised reader says about any model's units."""
