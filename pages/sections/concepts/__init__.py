"""The concept browser's page."""
