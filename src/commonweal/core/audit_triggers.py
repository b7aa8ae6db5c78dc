"""The triggers that keep the audit log append-only; see `append_only`."""

from __future__ import annotations

from commonweal.core.append_only import AppendOnly

_LOG = AppendOnly("audit_entry", "the audit log", "commonweal audit verify")
missing, check, restore = _LOG.missing, _LOG.check, _LOG.restore
