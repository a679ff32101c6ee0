"""Image recognition: a CNN, a residual CNN or a Vision Transformer → a class.

Without --data it trains on embedded shapes: one to a picture, anywhere, in any colour; the outline alone tells the
class. With --data DIR it reads MNIST's layout, train-images-idx3-ubyte and so on, plain or .gz, with the t10k files for
the test where they are there; or folders of classes, DIR/cat/1.png, or DIR/train/cat/1.png beside DIR/test/cat/.
"""

import time
from functools import partial

import numpy as np

from ...machine import describe
from ..baselines import logistic_regression, majority_class, nearest_neighbour
from ..classification import evaluate, table
from ..folder import RunFolder
from ..results import OURS, flat
from .data import folder_task, shapes_task
from .model import ENCODERS, probabilities
from .report import write_report
from .train import make_trainer

__all__ = ["add_arguments", "run"]


def add_arguments(parser):
    """The options of this recipe alone."""
    group = parser.add_argument_group("image recognition")
    group.add_argument("--model", choices=ENCODERS, default="cnn", help="what looks at the image (default: cnn)")
    group.add_argument("--image-size", type=int, metavar="N",
                       help="with folders of classes: scale images to N×N (default: the "
                       "first image's side, at most 64)")
    group.add_argument("--flip", action="store_true",
                       help="mirror training images at random (not for digits and letters)")


def run(data=None, out=None, seed=0, epochs=None, resume=False, model="cnn", image_size=None, flip=False,
        progress=True):
    """Train a classifier, test it beside its baselines, write the output folder.

    Parameters
    ----------
    data : path, optional
        A folder in MNIST's layout or of classes; by default the embedded shapes.
    out : path, optional
        The output folder; by default runs/image-recognition, or the next free number.
    seed, epochs : int
    resume : bool
        Go on from the folder's checkpoint; the run ends as if it had never stopped.
    model : {"cnn", "resnet", "vit"}
    image_size : int, optional
    flip : bool
    progress : bool

    Returns
    -------
    dict
        What `metrics.json` holds.

    Raises
    ------
    ValueError
        For bad data or options, in one line.
    """
    if epochs is not None and epochs < 1:
        raise ValueError(f"--epochs: must be at least 1; got {epochs}")
    if image_size is not None and data is None:
        raise ValueError("--image-size: is for folders of classes; the embedded shapes keep their size")
    say = partial(print, flush=True) if progress else lambda words: None
    say(f"reading {data} ..." if data else "drawing shapes ...")
    task = folder_task(data, seed, image_size, flip) if data else shapes_task(seed, flip)
    config = {"recipe": "image-recognition", "data": data and str(data), "seed": seed, "epochs": epochs, "model": model,
              "image_size": image_size, "flip": flip}
    folder = RunFolder(out or RunFolder.default("image-recognition", resume), config, resume)
    sizes = ", ".join(f"{len(part)} {name}" for name, part in task.parts.items())
    say(f"image-recognition: {task.name}, {len(task.names)} classes, {sizes} -> {folder.path}")

    trainer = make_trainer(task, model, seed, epochs, folder.path)
    trainer.fit(resume=resume, progress=progress)
    began, test = time.monotonic(), task.parts["test"]
    p = probabilities(trainer.model, test)
    said = {OURS: p.argmax(1), **_baselines(task, say)}
    results = evaluate(said, test.labels)
    metrics = {**flat({"test": results}), "parameters": trainer.model.num_parameters(),
               "seconds/train": round(trainer.at.seconds, 1), "seconds/test": round(time.monotonic() - began, 1)}
    folder.write("metrics.json", metrics)
    write_report(folder, task, trainer.model, said, p, results, trainer.log.rows, {
        **config, **task.notes, **describe(), "metrics": metrics})
    say(table({"test": results}, {"test": len(test)}))
    say(f"trained in {trainer.at.seconds:.0f} s; report: {folder.report}")
    return metrics


def _baselines(task, say):
    """What those say of the test images that see nothing but pixels, or nothing at all."""
    say("training the baselines ...")
    train, test = (task.parts[name] for name in ("train", "test"))
    pixels, others = (part.load(np.arange(len(part))).reshape(len(part), -1) for part in (train, test))
    return {"majority": majority_class(train.labels, len(test)),
            "nearest neighbour": nearest_neighbour(pixels, train.labels, others),
            "logistic regression": logistic_regression(pixels, train.labels, others, len(task.names))}
