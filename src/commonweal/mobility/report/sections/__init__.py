"""The sections of the country report, one a file; each says where there is no release for it."""
