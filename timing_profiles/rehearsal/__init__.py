"""The decisions of a profile on recorded calls: recordings, the SDK's session, statistics.

No worker imports it.
"""
