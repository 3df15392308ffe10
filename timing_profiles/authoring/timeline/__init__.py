"""The turn that a profile leads to: as data, as SVG, as text for a terminal."""
