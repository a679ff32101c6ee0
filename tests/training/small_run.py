"""A small run for the tests: two layers, dropout, batch statistics, augmentation, two replicas, a schedule, an average,
early stopping.

As a script it trains in a folder, so that a test may kill it: small_run.py FOLDER [resume]
"""

import signal
import sys
import time

import numpy as np

import tinymm as tm
from tinymm.training import Selection, Trainer, TrainingConfig, TrainingSet

N, EPOCHS, BATCH = 70, 6, 16  # the last of 5 batches is not full


class Net(tm.nn.Module):
    """Linear, ReLU, dropout, linear; and a buffer that every training step changes."""

    def __init__(self, rng):
        self.first = tm.nn.Linear(8, 32, rng=rng)
        self.dropout = tm.nn.Dropout(0.3, rng=rng)
        self.second = tm.nn.Linear(32, 1, rng=rng)
        self.register_buffer("mean", np.zeros(8, np.float32))

    def forward(self, x):
        if self.training:
            self.mean += 0.1 * (x.mean(0) - self.mean)
        hidden = tm.functional.relu(self.first(tm.tensor(x - self.mean)))
        return self.second(self.dropout(hidden))


def squared_error(model, batch, rng):
    """Loss with a random weight per example, and one more number for the log."""
    x, y = batch
    error = model(x) - tm.tensor(y)
    weight = tm.tensor(rng.uniform(0.5, 1.5, y.shape).astype(np.float32))
    return (weight * error * error).mean(), {"bias": error.mean()}


def build(folder=None, pause=0.0, loss=squared_error, validate=None, **changes):
    """A Trainer, the same each time."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N, 8)).astype(np.float32)
    y = np.sin(x.sum(1, keepdims=True)).astype(np.float32)

    def batch(rows, rng):
        time.sleep(pause)
        return x[rows] + 0.01 * rng.standard_normal((len(rows), 8), dtype=np.float32), y[rows]

    def loss_on_all(model):
        time.sleep(pause)
        return {"loss": ((model(x).data - y) ** 2).mean()}

    options = {"epochs": EPOCHS, "batch_size": BATCH, "seed": 3, "max_norm": 1.0, "ema_decay": 0.9, "log_every": 2,
               "selection": Selection("val/loss", "min", 3), "checkpoint_every": 0.0, "replicas": 2, **changes}
    model = Net(rng)
    optimizer = tm.optim.AdamW(model.parameters(), lr=0.02)
    schedule = tm.optim.WarmupCosine(optimizer, 5, 40)
    return Trainer(model, loss, optimizer, TrainingSet(N, batch), TrainingConfig(**options), schedule,
                   validate or loss_on_all, folder)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even where the parent process ignores Ctrl-C
    try:
        build(sys.argv[1], pause=0.02).fit(resume="resume" in sys.argv, progress=False)
    except KeyboardInterrupt:
        sys.exit(130)
