"""The country report: what the published tables say of a country, set as a document that people print and send.

It has what the case studies of Guinea, Liberia and Sierra Leone by the International Telecommunication Union (ITU)
have: datasets, anonymisation process, results with maps, limitations and challenges. Everything in it comes from
releases: tables, provenance, certificates, what the ledger says of them, and area sets. No private store is opened.
"""
