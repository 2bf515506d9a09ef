"""Whole models: one request for every unit of many layers, in parts that are ordinary requests.

What belongs here says which requests a sweep consists of, what of it is there, what it costs, and has it carried out; it computes
nothing itself."""
