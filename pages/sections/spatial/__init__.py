"""The spatial probe's page."""
