"""`tinymm run retrieval`: what its page leaves out.

`training` is how pairs are batched and what their loss is, `searches` what is searched with what and how often the
right one is found; `report` puts the pages together: `captions` that are retrieved, the `space` of the vectors,
`word_order`, and `zero_shot` classes of the shapes world.
"""

__all__ = []
