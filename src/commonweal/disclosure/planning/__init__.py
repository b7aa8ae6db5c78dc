"""Choosing a rule before a release: what each would keep, how wrong it would be, and what attacks would find."""
