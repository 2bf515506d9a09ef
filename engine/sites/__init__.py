"""The tensors inside a model, under one name and in one layout for every architecture."""
