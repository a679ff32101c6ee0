"""What `tinymm run masked-language` is written with: masked texts, their test, its baselines and its pictures."""

__all__ = []
