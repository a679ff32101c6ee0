"""What `tinymm run claims` is written with: what a claim is, how it is measured, judged and told; a file for each."""

__all__ = []
