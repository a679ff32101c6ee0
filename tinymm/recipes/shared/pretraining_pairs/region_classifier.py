"""The frozen eye of a model of texts and regions: a small network that says of a crop what it shows, and how it looks.

ViLBERT reads the features of a detector that was trained, with labels, before it, and that stays as it is. Here it is a
classifier of crops. Its last hidden layer is a region's feature, and what it says of the region, a distribution over
classes, is what the model predicts of a region that is hidden from it.
"""

import math

import numpy as np

from .... import functional as F
from .... import nn
from ....data import crop_regions, region_locations
from ....encoders import ConvEncoder
from ..prediction import over_batches

__all__ = ["CROP", "RegionClassifier", "Regions", "classifier_loss", "read_regions"]

CROP = 16  # pixels: side of a crop
STAGES = ((16,), (32,), (32,))  # channels of the convolutions
BATCH = 200


class RegionClassifier(nn.Module):
    r"""Crop → convolutions → f = ReLU(W g + b), and for each question k a softmax of $V_k f + c_k$.

    Several questions make one distribution over all combinations of their answers, $q(a, b) = q_1(a)\, q_2(b)$: colour
    and shape are asked apart, so that a combination never seen has a class too. (The detector of the paper asks for
    object and attribute apart.)

    Parameters
    ----------
    questions : sequence of int
        How many answers each question has.
    width : int
        F.
    rng : numpy.random.Generator

    References
    ----------
    Anderson et al. (2018), Bottom-up and top-down attention, §3.1: the detector whose regions ViLBERT reads.

    Examples
    --------
    >>> eye = RegionClassifier((6, 5), 32, rng=np.random.default_rng(0)).eval()
    >>> features, classes = eye.seen(np.zeros((2, 3, 16, 16), np.float32))
    >>> features.shape, classes.shape, classes.sum(1).round(3).tolist()
    ((2, 32), (2, 30), [1.0, 1.0])
    """

    def __init__(self, questions, width=64, *, rng):
        self.questions, self.width = tuple(questions), width
        self.encoder = ConvEncoder(STAGES, CROP, glance=4, brightness=True, rng=rng)
        self.hidden = nn.Linear(self.encoder.pooled_width, width, rng=rng)
        self.answers = nn.ModuleList(nn.Linear(width, answers, rng=rng) for answers in self.questions)

    @property
    def classes(self):
        """K, the number of combinations of answers."""
        return math.prod(self.questions)

    def forward(self, crops):
        """crops (n, 3, 16, 16) to features (n, F), and for each question scores (n, answers)."""
        features = F.relu(self.hidden(self.encoder(crops).pooled))
        return features, [answer(features) for answer in self.answers]

    def seen(self, crops):
        r"""crops to features of length $\sqrt F$ (n, F) and distributions (n, K), float32 arrays.

        Where a region lies is told in five numbers up to 1, which much longer features would drown.
        """
        features, scores = self(crops)
        classes = np.ones((len(crops), 1), np.float32)
        for own in scores:
            classes = (classes[:, :, None] * F.softmax(own.data, -1)[:, None]).reshape(len(crops), -1)
        length = np.linalg.norm(features.data, axis=1, keepdims=True)
        return features.data * np.float32(math.sqrt(self.width)) / np.maximum(length, np.float32(1e-6)), classes


def classifier_loss(eye, batch, rng):
    """Cross-entropy of every question, added; a batch is crops and for each question the right distributions."""
    crops, wanted = batch
    _, scores = eye(crops)
    losses = [F.cross_entropy(own, right) for own, right in zip(scores, wanted)]
    return sum(losses[1:], losses[0])


class Regions:
    """The regions of some pictures, filled up to the same number, and what the classifier sees in them.

    Attributes
    ----------
    features : float32 array (P, N, F)
    boxes : float64 array (P, N, 4)
    locations : float32 array (P, N, 5)
    classes : float32 array (P, N, K)
        Distributions; zero where there is no region.
    mask : bool array (P, N)
        True where there is a region.
    """

    def __init__(self, features, boxes, classes, mask):
        self.features, self.boxes, self.classes, self.mask = features, boxes, classes, mask
        self.locations = region_locations(boxes, mask)

    def __len__(self):
        return len(self.mask)

    def rows(self, numbers):
        """Those of some pictures."""
        return Regions(*(array[numbers] for array in (self.features, self.boxes, self.classes, self.mask)))


def read_regions(eye, images, count, boxes_of):
    """Look at all regions of all pictures.

    Parameters
    ----------
    eye : RegionClassifier
    images : callable
        ``images(rows)`` → float array (n, 3, H, W).
    count : int
        P.
    boxes_of : callable
        ``boxes_of(image)`` → float array (n, 4).

    Returns
    -------
    Regions
    """
    def look(rows):
        shown = images(rows)
        boxes = [boxes_of(image) for image in shown]
        crops = np.concatenate([crop_regions(image, own, CROP) for image, own in zip(shown, boxes)])
        ends = np.cumsum([len(own) for own in boxes])[:-1]
        features, classes = eye.seen(crops) if len(crops) else (np.zeros((0, eye.width)), np.zeros((0, eye.classes)))
        return list(zip(np.split(features, ends), boxes, np.split(classes, ends)))

    found = over_batches(eye, count, BATCH, look)
    most = max(1, *(len(boxes) for _, boxes, _ in found)) if found else 1
    mask = np.arange(most) < np.array([len(boxes) for _, boxes, _ in found])[:, None]               # (P, N)
    features, boxes, classes = (np.concatenate(own) for own in zip(*found))
    return Regions(_filled(features.astype(np.float32), mask), _filled(boxes, mask),
                   _filled(classes.astype(np.float32), mask), mask)


def _filled(values, mask):
    """Values (n, …) at the n places of a mask (P, N), zeros at others."""
    full = np.zeros((*mask.shape, values.shape[1]), values.dtype)
    full[mask] = values
    return full
