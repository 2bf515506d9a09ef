"""Measurements: run by hand, never by the tests. Timings are ratios within one run on one machine."""
