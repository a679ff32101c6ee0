"""Text classification: words, letters or byte pairs → an encoder → a class.

Without --data it trains on embedded opinions with negation and scope: of 60 % of the sentences the words alone leave
the verdict open, so a bag of words gets .70 right and cannot get more. With --data DIR it reads tables as BANKING77 has
them, DIR/train.csv with the columns text and category, and val and test where they are there (or .tsv, .json, .jsonl).
"""

import time
from functools import partial

import numpy as np

from ...machine import describe
from ..classification import evaluate, table
from ..folder import RunFolder
from ..results import OURS, flat
from .baselines import baselines, oracle_of_bags
from .data import folder_task, opinions_task
from .model import ENCODERS, TOKENIZERS, probabilities
from .report import by_kind, write_report
from .train import fit_tokenizer, make_trainer

__all__ = ["add_arguments", "run"]


def add_arguments(parser):
    """The options of this recipe alone."""
    group = parser.add_argument_group("text classification")
    group.add_argument("--encoder", choices=ENCODERS, help="what reads the tokens (default: lstm; with --data: cnn)")
    group.add_argument("--tokenizer", choices=tuple(TOKENIZERS), default="word", help="what a token is (default: word)")
    group.add_argument("--members", type=int, default=1, metavar="N",
                       help="train N classifiers side by side and average them (default: 1)")
    group.add_argument("--columns", metavar="TEXT,CLASS", type=lambda text: tuple(text.split(",")),
                       default=("text", "category"),
                       help="with --data: the columns of the text and of its class (default: text,category)")


def run(data=None, out=None, seed=0, epochs=None, resume=False, encoder=None, tokenizer="word", members=1,
        columns=("text", "category"), progress=True):
    """Train a classifier, test it beside its baselines, write the output folder.

    Parameters
    ----------
    data : path, optional
        A folder as `read_text_folder` takes it; by default the embedded opinions.
    out : path, optional
        The output folder; by default runs/text-classification, or the next free number.
    seed, epochs : int
    resume : bool
        Go on from the folder's checkpoint; the run ends as if it had never stopped.
    encoder : {"bag", "cnn", "lstm", "gru", "transformer"}, optional
    tokenizer : {"word", "subword", "char", "bpe"}
    members : int
        Classifiers trained side by side; the answer is the mean of theirs.
    columns : (str, str)
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
    if members < 1:
        raise ValueError(f"--members: must be at least 1; got {members}")
    if len(columns) != 2 or len(set(columns)) != 2:
        raise ValueError(f"--columns: needs two names, TEXT,CLASS; got {','.join(columns)}")
    say = partial(print, flush=True) if progress else lambda words: None
    say(f"reading {data} ..." if data else "drawing opinions ...")
    task = folder_task(data, seed, columns) if data else opinions_task(seed)
    encoder = encoder or task.setting.encoder
    config = {"recipe": "text-classification", "data": data and str(data), "seed": seed, "epochs": epochs,
              "encoder": encoder, "tokenizer": tokenizer, "members": members, "columns": list(columns)}
    folder = RunFolder(out or RunFolder.default("text-classification", resume), config, resume)
    sizes = ", ".join(f"{len(part)} {name}" for name, part in task.parts.items())
    say(f"text-classification: {task.name}, {len(task.classes)} classes, {sizes} -> {folder.path}")

    tokens = fit_tokenizer(tokenizer, task.parts["train"].texts)
    trainer = make_trainer(task, tokens, encoder, seed, epochs, folder.path, members)
    trainer.fit(resume=resume, progress=progress)
    began, test = time.monotonic(), task.parts["test"]
    p = probabilities(trainer.model, tokens, test.texts)
    said = {OURS: p.argmax(1), **_others(task, tokens, encoder, seed, epochs, say)}
    results = evaluate(said, test.labels)
    metrics = {**flat({"test": results}), **_kinds(task, said), "parameters": trainer.model.num_parameters(),
               "seconds/train": round(trainer.at.seconds, 1), "seconds/test": round(time.monotonic() - began, 1)}
    folder.write("metrics.json", metrics)
    write_report(folder, task, trainer.model, tokens, said, p, results, trainer.log.rows, {
        **config, **task.notes, "vocabulary": len(tokens), **describe(), "metrics": metrics})
    say(table({"test": results}, {"test": len(test)}))
    say(f"trained in {trainer.at.seconds:.0f} s; report: {folder.report}")
    return metrics


def _others(task, tokens, encoder, seed, epochs, say):
    """What the baselines say of the test texts; of the opinions also what a bag of words can."""
    say("training the baselines ...")
    train, test = task.parts["train"], task.parts["test"]
    said = baselines(train, test)
    if task.kinds is not None:
        if encoder != "bag":
            bag = make_trainer(task, tokens, "bag", seed, epochs)
            bag.fit(progress=False)
            said["bag of words"] = probabilities(bag.model, tokens, test.texts).argmax(1)
        said["all that bags can tell"] = oracle_of_bags(test, task.kinds, np.random.default_rng([seed, 5]))
    return said


def _kinds(task, said):
    """The numbers that only the opinions have."""
    if task.kinds is None:
        return {}
    ours = by_kind({OURS: said[OURS]}, task.parts["test"].labels, task.kinds)[OURS]
    return {"limit/bag_of_words/accuracy": task.limit,
            **{f"test/{kind}/accuracy": value for kind, value in ours.items()}}
