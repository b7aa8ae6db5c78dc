"""Pages of published tables that share one shape: choose a table, a day and what else it is told by."""
