"""The page on background, texture and frequency: one module a measurement that it draws, and the charts that they share."""
