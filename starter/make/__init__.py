"""The scripts that made the starter world. The app reads what they wrote and imports none of them."""
