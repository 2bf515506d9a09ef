"""Feature visualization: pictures made to excite a unit, and the numbers that back them.

What belongs here is a step of activation maximization: how a picture is parameterized, augmented, optimized, started from a
recipe, judged."""
