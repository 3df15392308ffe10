"""What a profile would have done on recorded calls: recordings, the SDK's session, statistics.

No worker imports it.
"""
