"""What people keep and hand on: collections, short links, the history of what was made, notices of what is done, tokens.

All of it stands in one SQLite file beside the results, with the ids of its owners. Knows neither torch nor a browser."""
