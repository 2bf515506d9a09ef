"""How long pictures take, before any of a model have been seen here."""

from __future__ import annotations

A_PASS, A_SCORE = 2.4e-6, 2.2e-4
"""Seconds that one pass of a picture and the scoring of a picture take, a pixel of the input: starter-vit on two cores. Of
models whose pictures have been seen, their own are taken."""
