"""The parts that a call may be built from: which fields each takes, and how.

One file for each kind of part. A provider is data: the call applies and reads it back with it, and
`docs/providers.md` is made from it. May import `turns`.
"""
