"""Rows for `tinymm.functional.audio`."""
