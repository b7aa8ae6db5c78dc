"""Build the font that briefs and pictures are set in from the Noto fonts: the letters they need and no others.

The Noto fonts (fonts.google.com/noto) are under the SIL Open Font License. They are carried unaltered by npm packages.
Fetch them, and what takes fonts apart, and build::

    npm pack @expo-google-fonts/noto-sans @expo-google-fonts/noto-sans-arabic @expo-google-fonts/noto-sans-math
    python -m pip install fonttools
    python scripts/build_fonts.py .

What ships: Latin for every language written in it, Greek, Cyrillic and Arabic, figures, and the signs of sums, with
their kerning and joining; without hints for old screens. ``covered.txt`` beside them names every character there is.
"""

from __future__ import annotations

import io
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from fontTools import subset

TARGET = Path(__file__).parents[1] / "src/commonweal/web/fonts"
LATIN = (
    "U+0020-007E,U+00A0-02FF,U+0300-0338,U+0370-03FF,U+0400-045F,U+0490-04FF,U+1E00-1EFF,U+2010-2027,U+202F-203A,"
    "U+2044,U+200B-200F,U+202A-202E,U+2060,U+2066-2069,U+2070-209F,U+20A0-20BF,U+2116,U+2122,U+2126,U+212A-212B,"
    "U+2150-215F,U+FB00-FB04,U+FFFD"
)
ARABIC = "U+0600-06FF,U+0750-077F,U+08A0-08FF,U+200C-200F"
SIGNS = (
    "U+2190-2199,U+21D0-21D4,U+2200,U+2202-2203,U+2205-2209,U+220F,U+2211,U+221A,U+221D-221E,U+2227-222B,U+2248,"
    "U+2260-2261,U+2264-2265,U+2282-2287,U+2295,U+230A-230B,U+25A0-25A1,U+25B2,U+25B6,U+25BC,U+25C0,U+25CB,U+25CF,"
    "U+2713,U+27E6-27E7"
)
FONTS = (
    ("noto-sans", "400Regular/NotoSans_400Regular", LATIN, "NotoSans-Regular"),
    ("noto-sans", "700Bold/NotoSans_700Bold", LATIN, "NotoSans-Bold"),
    ("noto-sans-arabic", "400Regular/NotoSansArabic_400Regular", ARABIC, "NotoSansArabic-Regular"),
    ("noto-sans-arabic", "700Bold/NotoSansArabic_700Bold", ARABIC, "NotoSansArabic-Bold"),
    ("noto-sans-math", "400Regular/NotoSansMath_400Regular", SIGNS, "NotoSansMath-Regular"),
)
"""Package, file in it, characters, name here."""
OPTIONS = (
    "--layout-features=kern,mark,mkmk,ccmp,locl,liga,calt,rlig,init,medi,fina,isol,curs,tnum",
    "--no-hinting",
    "--desubroutinize",
    "--name-IDs=0,1,2,3,4,5,6,13,14",
    "--notdef-outline",
)


def main(
    folder: Annotated[Path, typer.Argument(help="Where `npm pack` left the packages.")],
    target: Annotated[Path, typer.Option(help="The folder to write to.")] = TARGET,
) -> None:
    """Read the packages, keep what is needed, and write the fonts and what they cover."""
    covered: set[int] = set()
    for package, member, characters, name in FONTS:
        (tarball,) = folder.glob(f"expo-google-fonts-{package}-[0-9]*.tgz")
        options = subset.Options()
        options.parse_opts([*OPTIONS])
        with tarfile.open(tarball) as archive:
            file = archive.extractfile(f"package/{member}.ttf")
            assert file is not None, f"{tarball} holds no {member}.ttf"
            font = subset.load_font(io.BytesIO(file.read()), options)
        wanted = subset.Subsetter(options)
        wanted.populate(unicodes=subset.parse_unicodes(characters.replace("U+", "")))
        wanted.subset(font)
        subset.save_font(font, str(target / f"{name}.ttf"), options)
        covered |= set(font.getBestCmap())
    (target / "covered.txt").write_text("".join(f"{first:04X} {last:04X}\n" for first, last in spans(covered)))
    print(f"{target}: {len(covered)} characters, {sum(file.stat().st_size for file in target.glob('*.ttf'))} bytes")


def spans(numbers: set[int]) -> list[tuple[int, int]]:
    """Give the runs of numbers without a gap.

    Examples
    --------
    >>> spans({1, 2, 3, 7, 9, 10})
    [(1, 3), (7, 7), (9, 10)]
    """
    ordered = sorted(numbers)
    ends = [index for index, (one, next_) in enumerate(pairwise(ordered)) if next_ != one + 1]
    starts = [0, *(end + 1 for end in ends)]
    return [(ordered[start], ordered[end]) for start, end in zip(starts, [*ends, len(ordered) - 1], strict=True)]


if __name__ == "__main__":
    typer.run(main)
