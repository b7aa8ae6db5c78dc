"""Alternatives to suppression: noise that repeats, and rounding that adds up.

The *cell-key method* adds noise that belongs to the set of people behind a cell, so that asking twice teaches nothing;
*controlled rounding* moves every value to a neighbouring multiple of a base, so that margins add up exactly. Cells are
numbered; a relation says of a whole and its parts that they add up (``sum``) or that the whole lies between the
largest part and the sum of the parts (``union``).
"""
