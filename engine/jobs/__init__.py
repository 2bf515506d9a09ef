"""Who computes what, and when: the queue, the workers, what is remembered of interrupted jobs."""
