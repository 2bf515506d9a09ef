"""How purely units follow known tags, against permutations of them.

What belongs here is a step of that one measurement; `request` puts them together."""
