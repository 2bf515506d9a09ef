"""Models: the catalog, loaded networks and their checkpoints."""
