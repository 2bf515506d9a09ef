"""The page on where in the image a model keeps what it knows: figures over a data set, and one image through the depth."""
