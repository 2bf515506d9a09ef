"""What a model's answers rely on: background, texture, frequencies.

What belongs here changes one cue of the images and measures what that does to the answers."""
