"""Rows for `tinymm.functional.ctc`."""
