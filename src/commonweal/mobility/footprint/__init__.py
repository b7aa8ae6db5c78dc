"""Where a cell is heard, and how many people are present where: footprints on a metric grid, and their inversion by EM.

`lay_grid` lays points over areas; `read_plan` completes the cells of one moment (`cells_at`); `footprint_by_strength`,
`best_server` and `voronoi` give P(c|i), the probability that a phone at a point is served by a cell; `overlaps` says
whose footprints meet; `present_population` estimates people by point from counts by cell, `bootstrap` its interval, and
`by_area` what may be judged for publishing. What is known by point stays inside: only areas are ever published.
"""
