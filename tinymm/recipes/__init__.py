"""One runnable task each: data → model → train → report. Run them with `tinymm run NAME`, or call `NAME.run(...)`."""

from . import captioning, text_classification

__all__ = ["captioning", "text_classification"]
