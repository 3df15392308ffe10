"""What the fields of a merged profile say to each other, and to a caller.

Rules, the model of the wait, settings without effect, advice, a summary in sentences.
Imports `problems` and `profile` only.
"""
