"""One call, in a job process: find the caller, build the session's parts, follow changes.

May import every room to its left: `turns`, `catalog`, `resolution`, `handoff`, `providers`.
Never imports `worker`.
"""
