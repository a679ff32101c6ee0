"""Image captioning with attention fusion: image → CNN regions, prefix → LSTM or Transformer, attention, words.

Without --data it trains on the embedded shapes world: scenes of two or three things, judged by a parser that knows
what is true; tested on unseen scenes, and on colours and shapes that were never seen together. With --data DIR it
reads COCO-captions layout, DIR/captions.json and DIR/images/. An image entry may carry "split": train, val or test.
"""

import time
from dataclasses import asdict
from functools import partial

import numpy as np

from ...data import WordTokenizer
from ...machine import describe
from ..folder import RunFolder
from ..results import flat
from .data import folder_task, shapes_task
from .evaluate import evaluate, table
from .model import Decoding
from .report import write_report
from .train import make_trainer

__all__ = ["add_arguments", "run"]


def add_arguments(parser):
    """The options of this recipe alone."""
    group = parser.add_argument_group("captioning")
    group.add_argument("--text", choices=("lstm", "transformer"), default="lstm",
                       help="what reads the words said so far (default: lstm)")
    group.add_argument("--hold-out", metavar="FIELDS", type=lambda text: text.split(","),
                       help="with --data and no split in the file: test on new combinations of these fields "
                            "of the image entries, such as base,tones; each value alone is seen in training")
    group.add_argument("--image-size", type=int, metavar="N",
                       help="with --data: scale images to N×N (default: the first image's side, at most 64)")
    add_decoding_arguments(parser)


def add_decoding_arguments(parser):
    """How words are chosen once the model is trained."""
    group = parser.add_argument_group("decoding")
    group.add_argument("--decode", choices=("greedy", "beam", "sample"), default="greedy",
                       help="take the likeliest word, search with a beam, or draw (default: greedy)")
    group.add_argument("--beam", type=int, default=4, metavar="N",
                       help="with beam: captions kept at each step (default: 4)")
    group.add_argument("--temperature", type=float, default=1.0, metavar="T",
                       help="with sample: below 1 sharper, above 1 flatter (default: 1)")
    group.add_argument("--top-k", type=int, metavar="K", help="with sample: only the K likeliest words")
    group.add_argument("--top-p", type=float, metavar="P",
                       help="with sample: only the likeliest words of total probability P")


def run(data=None, out=None, seed=0, epochs=None, resume=False, text="lstm", hold_out=None, image_size=None,
        progress=True, **decoding):
    """Train a captioner, test it beside its baselines, write the output folder.

    Parameters
    ----------
    data : path, optional
        A folder in COCO-captions layout; by default the embedded shapes world.
    out : path, optional
        The output folder; by default runs/captioning, or the next free number.
    seed, epochs : int
    resume : bool
        Go on from the folder's checkpoint; the run ends as if it had never stopped.
    text : {"lstm", "transformer"}
    hold_out : sequence of str, optional
        Fields whose combinations are held out, as ``--hold-out``.
    image_size : int, optional
    progress : bool
    **decoding
        decode, beam, temperature, top_k, top_p.

    Returns
    -------
    dict
        What `metrics.json` holds.

    Raises
    ------
    ValueError
        For bad data or options, in one line.
    """
    decoding = _decoding(**decoding)
    if epochs is not None and epochs < 1:
        raise ValueError(f"--epochs: must be at least 1; got {epochs}")
    config = {"recipe": "captioning", "data": data and str(data), "seed": seed, "epochs": epochs, "text": text,
              "hold_out": hold_out, "image_size": image_size,
              **{f"decoding/{k}": v for k, v in asdict(decoding).items()}}
    say = partial(print, flush=True) if progress else lambda words: None
    say(f"reading {data} ..." if data else "drawing scenes of the shapes world ...")
    task = folder_task(data, seed, image_size, hold_out) if data else shapes_task(seed)
    folder = RunFolder(out or RunFolder.default("captioning", resume), config, resume)
    say(f"captioning: {task.name}, " + ", ".join(f"{len(part)} {name}" for name, part in task.parts.items())
        + f" -> {folder.path}")

    tokenizer = WordTokenizer.fit(caption for group in task.parts["train"].captions for caption in group)
    trainer = make_trainer(task, tokenizer, seed, epochs, text, folder)
    trainer.fit(resume=resume, progress=progress)
    captioner, seconds = trainer.model, trainer.at.seconds

    began = time.monotonic()
    results = evaluate(captioner, tokenizer, task, decoding, np.random.default_rng([seed, 4]), say)
    scores = {part: {system: found["scores"] for system, found in systems.items()} for part, systems in results.items()}
    metrics = {**flat(scores), "parameters": captioner.num_parameters(), "seconds/train": round(seconds, 1),
               "seconds/test": round(time.monotonic() - began, 1)}
    folder.write("metrics.json", metrics)
    write_report(folder, task, captioner, tokenizer, results, trainer.log.rows, {
        **config, **task.notes, **describe(), "metrics": metrics})
    say(table(results, task))
    say(f"trained in {seconds:.0f} s; report: {folder.report}")
    return metrics


def _decoding(decode="greedy", beam=4, temperature=1.0, top_k=None, top_p=None):
    """The decoding options, checked before anything is trained."""
    for name, value, fits in (("beam", beam, beam >= 1), ("temperature", temperature, temperature > 0),
                              ("top-k", top_k, top_k is None or top_k >= 1),
                              ("top-p", top_p, top_p is None or 0 < top_p <= 1)):
        if not fits:
            raise ValueError(f"--{name}: out of range; got {value}")
    return Decoding(decode, beam, temperature, top_k, top_p)
