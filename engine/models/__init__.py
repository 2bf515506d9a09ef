"""Models: the catalog, loaded networks, their checkpoints and the memory that they share.

What belongs here gets from a name to frozen weights with their preprocessing and sites. Where models come from stands in
`sources`."""
