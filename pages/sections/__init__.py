"""What each page consists of, a folder a page."""
