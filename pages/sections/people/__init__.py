"""Who comes in, and what they left here: signing in, what one stored, what people did.

What belongs here draws what `engine.people` and the stores of uploads and results know of a person."""
