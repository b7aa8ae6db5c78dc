"""The head of the audit log, kept in the key directory; see `heads`."""

from __future__ import annotations

from commonweal.core.heads import EMPTY, Head, HeadFile, content_of

__all__ = ["EMPTY", "FILE", "KEY_FILES", "LOCK", "Head", "advance", "content_of", "follow", "parse", "read", "start"]

_HEAD = HeadFile("audit", "the audit log", "commonweal audit verify")
FILE, LOCK = _HEAD.file, _HEAD.lock
KEY_FILES = (FILE, LOCK)
start, read, parse = _HEAD.start, _HEAD.read, _HEAD.parse
advance, follow = _HEAD.advance, _HEAD.follow
