"""Where in the image a model keeps what it knows (paper, sections 4 and 5): four experiments and what they share.

`layers`: what survives of position, layer by layer. `last`: what the last layers do to it. `moves`: shifted and turned
images. `maps`: one image through the depth. None of them imports another.
"""
