"""Everything that crosses the border between a worker's main process and its jobs.

The published file, reports of calls, and the environment variables that name them.
May import `turns`, `catalog` and `resolution`.
"""
