"""Does a picture explain its unit? What an observer that is not the model can tell from it, and how far through the network a
picture takes the way of the images that excite the unit.
"""
