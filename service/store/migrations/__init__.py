"""Migrations, oldest first in ``versions``.

The release before may still run beside the new tables: a migration adds tables and columns that
may be empty; what is no longer used goes one release later.
There is no way down: the way back is a backup.
"""
