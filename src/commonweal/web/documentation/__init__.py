"""The documentation on the site, so that whoever reads a number finds its definition without the internet."""

from commonweal.web.documentation.pages import address_of, routes

__all__ = ["address_of", "routes"]
