"""Walks: how far and how predictably people move, one row for each; published as distributions by home area only.

`walks.asking` gives what stands behind them to whoever holds a private store's key. Nothing of that leaves.
"""
