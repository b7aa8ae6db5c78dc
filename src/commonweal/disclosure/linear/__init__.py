"""What a reader can work out of published numbers: relations between cells, bounds on them, and what to hide too."""
