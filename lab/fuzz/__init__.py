"""Hostile input for the two readers of foreign text: profile files, and metadata.

`python -m lab.fuzz` explores, guided by coverage, and judges. What is kept in `corpus/` is where it
begins, and what the tests read each time: a file for every kind of hostile text, and for every
input that ever was too much.
"""
