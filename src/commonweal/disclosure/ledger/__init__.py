"""The ledger: what was released of whom, under which rule, what it spent, and who allowed it. Signed and append-only.

It also holds what decides about later releases: budgets and standing approvals. Whoever alters, cuts or puts back an
older ledger is found, since its end is known to the key directory and to the audit log.
"""
