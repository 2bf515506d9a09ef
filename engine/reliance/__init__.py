"""What a model's answers rely on: background, texture, frequencies."""
