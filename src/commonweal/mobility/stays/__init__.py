"""Stays: the whole time of a subscriber cut into segments, each a stay, a move, or something less sure.

`ping_pong` first gives back events that only jumped to an overlapping cell; `segmenting` then makes the segments;
`derivations` puts both on cleaned events: `SETTLED` and `STAYS`.
"""
