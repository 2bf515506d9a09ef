"""What belongs here: results as figures for papers and slides. A figure is drawn once, in points, and written as SVG or PNG; it
takes with it what is needed to open it again, to make it again and to cite it.
"""
