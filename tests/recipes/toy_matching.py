"""Matching: does a number fit a word? A recipe of two inputs in a file of its own, as a newcomer would add one."""

import numpy as np

from tinymm import functional as F, nn
from tinymm.recipes.shared import OURS, Answer, Plan, Results, recipe
from tinymm.recipes.shared.classification import scored
from tinymm.training import TrainingSet

INPUTS = ("text", "audio")  # the "recording" is a file that holds a number
PLAN = Plan(batch_size=8, steps=12, peak_rate=0.1, weight_decay=0.0)


@recipe
def run(run, sign="plus"):
    """Learn whether a number is positive, or negative.

    Parameters
    ----------
    sign : {"plus", "minus"}
        Which numbers match.
    """
    x = run.rng(1).standard_normal((96, 1)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(int) if sign == "plus" else (x[:, 0] < 0).astype(int)
    run.begin("numbers", {"train": x[:64], "test": x[64:]})
    loss = lambda model, rows, rng: F.cross_entropy(model(x[rows]), labels[rows])
    data = TrainingSet(64, lambda rows, rng: rows)
    model = run.fit(PLAN, build({}, run.rng(0)), loss, data, None, config={}, classes=["no", "yes"]).model
    systems = scored({OURS: model(x[64:]).data.argmax(1), "always": np.ones(32, int)}, labels[64:])
    return run.finish(run.report("Matching", "Trained on 64 numbers"), [Results("test", systems, "numbers")])


def build(config, rng):
    return nn.Linear(1, 2, rng=rng)


def predict(loaded, items):
    p = F.softmax(loaded.model(np.array([[float(item["audio"].read_text())] for item in items], np.float32)).data, -1)
    return [Answer(f"{item['text']}: {loaded.classes[row.argmax()]}", float(row.max())) for item, row in zip(items, p)]
