"""The feature visualization page: pickers of models, sites and units, the wall of pictures, the card of a unit."""
