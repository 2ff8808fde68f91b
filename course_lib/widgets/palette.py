"""Colours that colour-blind eyes can tell apart, for pictures drawn in Python; static/theme.js has the same.

Source: Okabe and Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color; darkened where
a line on white would have less contrast than 3 to 1.
"""

BLUE, VERMILLION, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#00835F", "#B8558C", "#3D3D3D"

SERIES = (BLUE, VERMILLION, GREEN, PINK)
"""Colours of up to four things in one picture; give each a line style or a label besides."""
