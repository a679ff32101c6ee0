"""`tinymm run text-to-image`: whether painted pictures show what was asked (`judging`), and the `report` of it."""

__all__ = []
