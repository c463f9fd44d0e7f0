"""Migrations, oldest first in ``versions``.

The previous release may still run with the new tables. A migration therefore only adds tables and
nullable columns. Unused ones are removed one release later. There are no downgrades; restore a
backup instead.
"""
