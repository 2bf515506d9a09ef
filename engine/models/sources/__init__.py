"""The places that models come from, one module each, and what several of them need to read what they find there."""
