"""Commonweal: how a city and a country function, where their people are, and nobody exposed.

The package is one product of many rooms; see ``docs/architecture.md`` for the floor plan. Importing it loads
nothing heavy: each room is imported when it is used.
"""

__version__ = "0.1.0"
