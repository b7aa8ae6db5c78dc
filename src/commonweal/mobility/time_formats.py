"""How operators write times, and how that is seen in a column of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TIMES = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?", "iso"),
    (r"[12]\d{9}(\.\d+)?", "epoch_s"),
    (r"[12]\d{12}", "epoch_ms"),
    (r"\d{14}", "%Y%m%d%H%M%S"),
    (r"\d{8} \d{6}", "%Y%m%d %H%M%S"),
    (r"\d{8} \d\d:\d\d:\d\d", "%Y%m%d %H:%M:%S"),
    (r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", "%d/%m/%Y %H:%M:%S"),
    (r"\d\d/\d\d/\d{4} \d\d:\d\d", "%d/%m/%Y %H:%M"),
    (r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d", "%d-%m-%Y %H:%M:%S"),
    (r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", "%d.%m.%Y %H:%M:%S"),
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "%Y/%m/%d %H:%M:%S"),
)


def time_format(texts: Sequence[str]) -> str | None:
    """Say in which format texts are times, nearly all of them; None if in no known one.

    Examples
    --------
    >>> time_format(["28/02/2026 23:59", "01/03/2026 00:05"])
    '%d/%m/%Y %H:%M'
    """
    held = [text.strip() for text in texts if text.strip()]
    for pattern, form in _TIMES:
        if held and sum(re.fullmatch(pattern, text) is not None for text in held) >= 0.8 * len(held):
            if form.startswith("%d/%m") and any(int(text[3:5]) > 12 for text in held if text[3:5].isdigit()):
                return form.replace("%d/%m", "%m/%d")
            return form
    return None


def is_of_time(texts: Sequence[str]) -> bool:
    """Say whether a column holds times, dates or times of day, and seconds since 1970 rather than telephone numbers."""
    date, hour = r"\d{2,4}[-/.]?\d\d[-/.]?\d{2,4}", r"\d\d:?\d\d(:?\d\d)?"
    held = [text.strip() for text in texts if text.strip()]
    return time_format(held) is not None or all(re.fullmatch(f"{date}|{hour}", text) for text in held)
