"""Migrations, oldest first in ``versions``.

The release before may still run beside the new tables. A migration therefore only adds tables and
nullable columns. What is no longer used is removed one release later. There are no downgrades:
restore a backup instead.
"""
