"""Tests of tinymm.viz, one file per file of the room."""
