"""What models answer and what units do on a data set."""
