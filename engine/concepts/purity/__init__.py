"""How purely units follow known tags, against permutations of them."""
