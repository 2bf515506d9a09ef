"""The home page: gallery, what was interrupted, the machine's state, the models."""
