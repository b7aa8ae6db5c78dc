"""The attacks that a release is tried with before it leaves.

Each is a pure function over arrays, after a published paper; each gives a small finding with a sentence in plain words
and its numbers. `AttackReport` collects them and says whether the release must stay.
"""
