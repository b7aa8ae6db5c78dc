"""The sample country: a generator of a realistic operator that also writes the truth.

No real phone records may ever be published, so the house brings its own: people with homes, work and rhythms move over
real geography, their SIMs produce call detail records on a network of cells, and everything the generator knows for
certain is written beside them, so that a pipeline can be scored. Nothing here is imported by a domain.
"""
