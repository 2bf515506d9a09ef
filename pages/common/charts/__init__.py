"""A chart on a page, from what it shows to what is taken along: on the screen by plotly, in print by `engine.figures.charts`.

What belongs here knows no experiment: sections describe charts, and say what a click on a point opens.
"""
