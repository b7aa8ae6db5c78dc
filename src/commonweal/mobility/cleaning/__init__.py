"""Cleaning: events that cannot be true, or are nobody's, found by what they mean.

What a row says by itself is judged when it is imported; here events are judged by the network and by their neighbours.
`flagging` says what each flag means; `semantic` makes the derivations: `FLAGGED`, every event with its flag, `CLEANED`,
those that are left, and `FLAG_COUNTS`, how many of which there were on which day in which cell.
"""
