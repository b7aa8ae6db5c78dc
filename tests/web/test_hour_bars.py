"""The bars of a day."""

from xml.etree import ElementTree

from commonweal.web.bars import HEIGHT, TOP, Bar, bars


def drawn(*periods):
    picture = ElementTree.fromstring(str(bars(periods, label="By hour")))
    return [(link, list(link.iter("rect"))[1]) for link in picture.iter("a")]


def bar(value, state="reported", **others):
    return Bar("00", value, state, f"00:00: {value}", "?start=0", **others)


def test_heights_are_in_proportion_and_stand_on_zero():
    [(_, full), (_, half)] = drawn(bar(80), bar(40))
    assert float(full.get("height")) == HEIGHT
    assert float(half.get("height")) == HEIGHT / 2
    assert float(full.get("y")) + HEIGHT == float(half.get("y")) + HEIGHT / 2 == TOP + HEIGHT


def test_a_suppressed_hour_is_a_hatched_stub_and_not_a_zero():
    [(_, stub), (_, zero), _] = drawn(bar(None, "suppressed"), bar(0), bar(9))
    assert (stub.get("class"), stub.get("fill")) == ("no-value", "url(#suppressed)")
    assert zero.get("class") == "value"


def test_each_bar_is_a_link_that_says_its_hour_and_value():
    [(link, _)] = drawn(bar(9, current=True))
    assert (link.get("href"), link.get("aria-label"), link.get("aria-current")) == ("?start=0", "00:00: 9", "true")


def test_a_day_of_which_nothing_is_known_can_be_drawn():
    assert len(drawn(bar(None, "missing"), bar(None, "suppressed"))) == 2
    assert drawn() == []
