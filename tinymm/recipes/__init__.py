"""One runnable task each: data → model → train → report. Run them with `tinymm run NAME`, or call `NAME.run(...)`."""

from . import captioning, image_recognition, speech_recognition, text_classification

__all__ = ["captioning", "image_recognition", "speech_recognition", "text_classification"]
