"""What the recipe `vilbert`, and those that start from it, are written with: regions, pairs, questions, a look inside."""

__all__ = []
