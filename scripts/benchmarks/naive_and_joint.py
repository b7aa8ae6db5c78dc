"""Draw docs/images/naive-and-joint.svg: what a reader works out of a day's presence, protected naively and jointly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.rows import rows_of
from commonweal.disclosure.linear.suppression import counts, suppress, with_differences
from disclosure import AREAS, HOURS, LEVELS, K, presence

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "naive-and-joint.svg"
CELL, GAP = 9, 60
LOOKS = {
    "published": ("#d9e2ec", "published"),
    "small": ("#7b8794", "hidden, below 15 people"),
    "more": ("#2b5a8a", "hidden to protect others"),
    "narrowed": ("#e8a33d", "hidden, yet narrowed down"),
    "known": ("#c62828", "hidden, yet worked out exactly"),
}


def main() -> None:
    """Write the picture."""
    value, given = presence(12_000, 1)
    cells = counts(value, K)
    naive = bounds(rows_of(given), cells.low, cells.high)
    width = naive.high - naive.low
    worked_out, narrowed = cells.hidden & (width == 0), cells.hidden & (width < K - 1)
    wider, links = with_differences(cells, given, K)
    joint = suppress(wider, links).hidden[: len(value)]
    before = np.select([worked_out, narrowed, cells.hidden], ["known", "narrowed", "small"], "published")
    after = np.where(cells.hidden, "small", np.where(joint, "more", "published"))
    IMAGE.write_text(drawn([("Small cells hidden, nothing else", before), ("Jointly protected", after)]))
    more = (joint & ~cells.hidden).sum()
    print(f"{IMAGE}: {worked_out.sum()} worked out, {narrowed.sum()} narrowed, {more} hidden too")


def drawn(panels: list[tuple[str, np.ndarray]]) -> str:
    """Draw panels side by side: a row for each area, region and the country, a column for each hour and the day."""
    width, height = (HOURS + 1) * CELL, LEVELS * CELL
    whole = len(panels) * width + (len(panels) + 1) * GAP // 2
    total = height + 140
    said = "Two grids of areas by hours. Left: some hidden cells can be worked out. Right: none can."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {total}" role="img" font-family="sans-serif" '
        f'font-size="13"><title>{said}</title><rect width="100%" height="100%" fill="#fff"/>'
    ]
    for number, (title, states) in enumerate(panels):
        left, grid = GAP // 2 + number * (width + GAP // 2), states.reshape(LEVELS, HOURS + 1)
        parts.append(f'<text x="{left}" y="24" font-weight="bold" fill="#1f2933">{title}</text>')
        parts.append(f'<text x="{left}" y="42" fill="#52606d">hours 0–23, then the day</text>')
        for name, (colour, _) in LOOKS.items():
            squares = "".join(
                f"M{left + x * CELL} {50 + y * CELL}h{CELL - 1}v{CELL - 1}h-{CELL - 1}z"
                for y, x in zip(*np.nonzero(grid == name), strict=True)
            )
            if squares:
                parts.append(f'<path fill="{colour}" d="{squares}"/>')
        line = 50 + AREAS * CELL - 1
        parts.append(f'<path stroke="#1f2933" d="M{left} {line}h{width}"/>')
    for place, (colour, text) in enumerate(LOOKS.values()):
        x, y = GAP // 2 + (place % 2) * (width + GAP // 2), height + 66 + 22 * (place // 2)
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{y + 11}" fill="#1f2933">{text}</text>')
    return "".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main()
