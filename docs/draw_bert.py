"""Draw `images/bert.png`, how BERT is wired, from the model itself: `python docs/draw_bert.py`."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from tinymm import nn  # noqa: E402
from tinymm.pretraining import Bert, BertForPreTraining, PredictionTransform  # noqa: E402

TARGET = Path(__file__).with_name("images") / "bert.png"
WORDS = 7


class FromVectors(nn.Module):
    """What is drawn: from the vectors of the words to the scores of words and of the next sentence."""

    def __init__(self, model):
        self.model = model

    def forward(self, words):
        encoded = self.model.bert.read(words)
        return self.model.words(encoded.sequence), self.model.next(encoded.pooled)


def diagram():
    """The Diagram of a model of three layers."""
    rng = np.random.default_rng(0)
    model = BertForPreTraining(Bert(30, 16, layers=3, heads=4, positions=WORDS, rng=rng), rng=rng)
    return nn.wiring(FromVectors(model).eval(), np.ones((1, WORDS, 16), np.float32), names=("words",),
                     whole=(nn.TransformerEncoderLayer, PredictionTransform))


def draw(target=TARGET):
    """The picture, on white, for a page of any colour."""
    diagram().save(target)


if __name__ == "__main__":
    draw()
    print(TARGET.name)
