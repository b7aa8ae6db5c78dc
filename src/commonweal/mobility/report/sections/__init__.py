"""The sections of the country report, one a file; each says what there is a release for, and says where there is none."""
