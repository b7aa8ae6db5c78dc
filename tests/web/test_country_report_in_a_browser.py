"""The country report as a page, where people open it: on a phone, and without a network."""

from commonweal.mobility.report.asking import Asked, report_files


def test_the_page_fits_a_narrow_screen_and_asks_for_nothing(browser, published, tmp_path):
    files = report_files(published.home.settings, published.home.database, Asked("SL", ("fr",), ("html",)))
    file = tmp_path / "report.html"
    file.write_bytes(files["mobility-sl-fr.html"])
    tab = browser.new_page(viewport={"width": 360, "height": 800})
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert asked == [file.as_uri()]
    tab.close()
