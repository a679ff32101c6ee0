"""One runnable task each: data → model → train → report. Run them with `tinymm run NAME`, or call `NAME.run(...)`."""

from . import captioning, speech_recognition, text_classification

__all__ = ["captioning", "speech_recognition", "text_classification"]
