"""Who computes what, and when: the queue, the workers, what is remembered of interrupted jobs.

What belongs here carries any request out without knowing which experiment it is."""
