"""Work shared among the cores: threads, scratch memory, stretches that fit the cache. No formula lives here."""

from .blocks import as_floating, as_rows, in_blocks, over_rows
from .memory import give_back, recycled, scratch
from .rounding import ceil_div
from .threads import parallel_for

__all__ = [
    "as_floating", "as_rows", "ceil_div", "give_back", "in_blocks", "over_rows", "parallel_for", "recycled", "scratch",
]
