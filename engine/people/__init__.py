"""Who asks, and what they may: persons, their roles and their limits."""
