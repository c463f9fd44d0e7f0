"""Long work: brought to worker processes by DBOS, done step by step, and safe from any crash.

The row of a job in the store is the truth about it. DBOS only brings tickets to workers: it is
told in the very transaction that writes the row, and what it forgets, or has given to a worker that
is gone, is delivered again under a new ticket (`sweeping`). Nothing outside this package knows it.
"""
