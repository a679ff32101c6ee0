"""One runnable task each: data → model → train → report. Run them with `tinymm run NAME`, or call `NAME.run(...)`."""

from . import captioning

__all__ = ["captioning"]
