"""What a reader can work out of published numbers: relations between cells, bounds on what is hidden, what to hide too."""
