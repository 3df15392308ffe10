"""For people who edit profiles: explanations, comparisons, generated files.

No worker imports it. May import every room to its left.
"""
