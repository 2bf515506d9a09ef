"""Where requests are carried out: in this process, in others of this machine, on a Dask pool, on SLURM.

What belongs here hands one request over and brings its result back; it knows no experiment, and decides nobody's turn."""
