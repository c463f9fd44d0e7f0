"""Modules that several use cases share."""
