"""The site: the shell of every page, the components that pages are made of, and the ground floor's own pages.

Components (`map`, `flows`, `bars`, `classes`) are pure functions from plain values to SVG; templates hold the
rest. Nothing here needs a script in the browser, and nothing is ever fetched from another host.
"""
