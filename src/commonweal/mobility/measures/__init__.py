"""The measures, one a file. See `commonweal.mobility.measure`."""
