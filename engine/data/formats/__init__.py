"""One module a file format that a data set can have."""
