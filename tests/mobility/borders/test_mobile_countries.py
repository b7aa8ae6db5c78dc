"""The table of mobile country codes against published ones."""

from __future__ import annotations

import pytest

from commonweal.mobility.mobile_countries import COUNTRIES, COUNTRY_OF_CODE, ELSEWHERE, country_index, country_of

AFRICA = (
    "EG DZ MA TN LY GM SN MR ML GN CI BF NE TG BJ MU LR SL GH NG TD CF CM CV ST GQ GA CG CD AO GW SC SD RW ET SO DJ KE "
    "TZ UG BI MZ ZZ ZM MG RE ZW NA MW LS BW SZ KM ZA ZZ ER SH SS"
)
"""Countries of 602 to 659, in turn: Android's MccTable, after the Annex to ITU Operational Bulletin 1117 of 2017."""
OTHERS = {
    208: "FR", 221: "XK", 225: "VA", 235: "GB", 268: "PT", 282: "GE", 294: "MK", 297: "ME", 316: "US", 332: "VI",
    340: "GP", 362: "CW", 406: "IN", 415: "LB", 425: "IL", 431: "AE", 441: "JP", 461: "CN", 466: "TW", 514: "TL",
    544: "AS", 549: "WS", 551: "MH", 553: "TV", 554: "TK", 555: "NU", 724: "BR", 734: "VE", 742: "GF", 750: "FK",
}  # fmt: skip
"""From the same table: those that are easily mistaken, have come late or have no network."""
UNASSIGNED = (1, 203, 237, 299, 317, 423, 451, 534, 535, 601, 644, 656, 660, 751, 901, 902, 991, 999)
"""Of no country in Wireshark's table of E.212, after the Annexes to Bulletins 1117 and 1280 (15.XI.2023)."""
NUMBER = 238
"""How many codes that table assigns to countries, and Abkhazia's 289, which it only tells of."""


def test_africa_is_as_published() -> None:
    """Codes are in turn, so one that slipped would shift its neighbours."""
    assert [country_of(code) for code in range(602, 660)] == AFRICA.split()


@pytest.mark.parametrize(("code", "country"), OTHERS.items())
def test_countries_are_as_published(code: int, country: str) -> None:
    assert country_of(code) == country
    assert COUNTRIES[country_index(country)] == country


@pytest.mark.parametrize("code", UNASSIGNED)
def test_codes_of_no_country_are_elsewhere(code: int) -> None:
    assert country_of(code) == ELSEWHERE


def test_no_code_is_there_twice_or_missing() -> None:
    assert len(COUNTRY_OF_CODE) == NUMBER
    assert all(200 <= code < 800 for code in COUNTRY_OF_CODE)
