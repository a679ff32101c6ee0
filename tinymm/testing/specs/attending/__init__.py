"""Rows for `tinymm.functional.attending`."""
