"""Timings against other libraries: `python -m benchmarks.engine`, `python -m benchmarks.captioner`."""
