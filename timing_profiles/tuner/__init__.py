"""The page to tune by ear: a local server between a browser, a set of profiles and LiveKit.

A worker never loads anything from here.
"""
