"""Execution of long computations in worker processes, safe against crashes.

The row of a job in the store contains its state (see `service.store.jobs`). DBOS delivers jobs to
workers through a durable queue in the same database, and only `queue` imports it. A job and its
queue entry are written in one transaction. The `reaper` redelivers jobs that are missing from the
queue or whose worker is dead.
"""
