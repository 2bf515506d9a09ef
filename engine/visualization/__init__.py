"""Feature visualization: pictures made to excite a unit, and the numbers that back them."""
