"""Time and memory of the library, as ratios inside one run: `python -m lab.bench`."""
