"""Model the turn-taking of a merged profile.

Rules, the model of the wait, settings without effect, advice, a summary in sentences.
Imports `problems` and `profile` only.
"""
