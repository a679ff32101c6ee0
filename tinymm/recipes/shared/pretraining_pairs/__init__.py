"""What `vilbert`, and the recipes that start from it, are written with.

`eyes` and `region_classifier` make regions of pictures, `pairs` is what is hidden and asked in training, `model` what a
checkpoint holds; `asking`, `testing`, `inside` and `report` are the test, and `answering` starts from a checkpoint.
"""

__all__ = []
