"""One call, in a job process: find the caller, build the session's parts, follow changes.

May import `turns`, `catalog`, `resolution`, `handoff` and `providers`.
Never imports `worker`.
"""
