"""The page of collections: all that a person may see, and one of them with what is in it."""
