"""Rows for `tinymm.functional.convolution`."""
