"""Across borders: where people are by the networks that serve them, their trips abroad, nights and crossings.

`segments` cuts a person's events into stretches in one country; `visits` tells true visits from accidental roaming at
the border; `trips` chains them; `joining` puts two operators' published views of one border side by side.
"""
