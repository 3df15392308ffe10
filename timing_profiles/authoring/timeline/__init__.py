"""Describe the turn of a profile: as data, as SVG, as text for a terminal."""
