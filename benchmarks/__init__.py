"""Timings against other libraries, and against the laws of what a formula must cost: `tinymm bench` lists them."""
