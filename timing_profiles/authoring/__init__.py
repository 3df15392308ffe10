"""For people who edit profiles: explanations, comparisons, generated files.

No worker imports it. May import every directory above it in the table of CONTRIBUTING.
"""
