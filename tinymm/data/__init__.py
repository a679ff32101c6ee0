"""Data: embedded synthetic worlds, readers of public formats, tokenizers, splits and batches.

NumPy and SciPy only; nothing here knows of gradients.
"""

from tinymm.data.shapes_world import Scene, ShapesWorld, Thing, judge, references, truth_accuracy

__all__ = ["Scene", "ShapesWorld", "Thing", "judge", "references", "truth_accuracy"]
