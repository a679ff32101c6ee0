"""Tests of tinymm.metrics, one file per file of the room."""
