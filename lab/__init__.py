"""Measuring tools: load, scale, fidelity, fuzzing, benchmarks.

They use the library and `sandbox`, and never import `tests`. Their own tests are in `lab/tests`.
"""
