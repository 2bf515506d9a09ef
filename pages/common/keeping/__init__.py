"""Keeping and handing on what is on a page: adding to a collection, short links, copying, and word of what is done."""
