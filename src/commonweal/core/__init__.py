"""The ground floor: settings, records, tables, places, times, provenance. It knows no domain."""
