"""From a protected table to a release: staged, approved, entered in the ledger, published.

Each step is whole before the next begins, and each may be done again: protected bytes are fsynced first, then the entry
of the ledger is committed, then the head in the key directory has followed, then the catalog publishes. So whatever is
killed where, a rerun goes on with the bytes that were staged: nothing is published without its entry, noise is never
drawn twice, and nothing spent is forgotten.
"""
