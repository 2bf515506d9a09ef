"""The paper's findings, one after the other, held against results: what is claimed, what is needed, and what comes of it here.

Nothing is measured here: a claim names requests of experiments that there are, and makes a verdict of their results.
"""
