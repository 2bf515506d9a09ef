"""The tensors inside a model, under one name and in one layout for every architecture.

What belongs here finds, reads and replaces tensors of a network: this is where a new architecture is taught. It knows
neither data sets nor requests."""
