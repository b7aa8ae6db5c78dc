"""Backups: everything that an installation holds in one archive, and the keys, apart, in a second one.

`service` makes and verifies them while the installation is used, `restoring` makes an installation of them. What files
belong to the records says each room (`Domain.files`), and whether they are older than the keys (`Domain.refuse_older`).
"""
