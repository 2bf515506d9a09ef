"""What models answer and what units do on a data set: predictions, the activation index, comparisons between models.

What belongs here streams images through a model for several experiments; an experiment with a question of its own has its
own room."""
