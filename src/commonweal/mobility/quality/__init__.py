"""The quality report: what is wrong with an operator's records and cell files, named and never silently absorbed.

`register_faults` reads the cell register, `limits`, `clock` and `silence` the counts of a period; each gives
`Finding`s. `gathering` counts what they need in a private store, `report` puts all of it together and holds figures
back behind which too few people stand. `imputing` fills gaps, marked as imputed.
"""
