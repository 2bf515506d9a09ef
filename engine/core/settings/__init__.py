"""What a person may set in `vitrine.toml`: one module a table of it, and `whole`, which has them all."""
