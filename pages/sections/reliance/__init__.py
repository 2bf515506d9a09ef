"""The page on background, texture and frequency."""
