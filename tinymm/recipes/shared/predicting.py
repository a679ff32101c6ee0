"""`tinymm predict`: what a trained model says of your own pictures, texts and recordings."""

import os
from json import dumps
from pathlib import Path
from typing import NamedTuple

from ...data.files import list_folder, named, quoted, read_text
from ...data.tables import LONGEST_FIELD, read_rows
from ...exits import escaped
from .checkpoints import load
from .options import require

__all__ = ["Answer", "predict"]

SUFFIXES = {
    "image": (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"),
    "audio": (".wav",),
    "video": (".gif",),
    "text": (".txt",),
}


class Answer(NamedTuple):
    """What a model says of one input.

    Attributes
    ----------
    answer : str
    confidence : float
        The probability that the model gives to its answer.
    others : dict of str to float
        The probabilities of all answers it chose among, where they can be listed.
    """

    answer: str
    confidence: float
    others: dict = {}


def predict(checkpoint, inputs=(), *, image=None, text=None, audio=None, video=None, table=None, json=False):
    """Answer with a trained model, one line for each input: the answer and how probable the model thinks it is.

    Which inputs a checkpoint takes, its recipe says. Of one kind they are simply named:

        tinymm predict runs/image-recognition/checkpoint.npz cat.png pictures/
        tinymm predict runs/text-classification/checkpoint.npz "no plot, great music" opinions.txt

    A folder stands for all files in it of that kind, a .txt file for its lines. A recipe of two inputs takes an
    option for each, as many of the one as of the other, or a table.

    Parameters
    ----------
    checkpoint : path
        checkpoint.npz of any recipe.
    inputs : list of path or str, optional
        Pictures, texts, recordings, or folders of them.
    image, text, audio, video : list of path or str, optional
        Inputs of this kind.
    table : path, optional
        A table (.csv, .tsv, .json, .jsonl) with a column for each kind of input, named image, text, audio, video;
        paths are relative to it.
    json : bool
        Print a list of objects in place of lines.

    Returns
    -------
    list of Answer

    Raises
    ------
    ValueError
        If the checkpoint or an input cannot be read, or the inputs are not those that the recipe takes.
    """
    loaded = load(checkpoint)
    require(hasattr(loaded.recipe, "predict"), "predict", "needs one that answers in words; for pictures there is "
            "`tinymm draw`, for hidden words `tinymm fill`",
            f"one of {loaded.recipe.__name__.rpartition('.')[2].replace('_', '-')}")
    kinds = loaded.recipe.INPUTS
    given = {"image": image, "text": text, "audio": audio, "video": video}
    ways = bool(inputs) + any(given.values()) + (table is not None)
    require(ways <= 1, "predict", "takes inputs, an option for each kind, or --table", "more than one of these")
    items = _paired(given | _named(inputs, kinds), kinds) if table is None else _rows(table, kinds)
    found = loaded.recipe.predict(loaded, items)
    if json:
        rows = [{**_plain(item), **answer._asdict()} for item, answer in zip(items, found)]
        print(dumps(rows, indent=1))  # in ASCII, which every terminal and pipe can take
    else:
        for item, answer in zip(items, found):
            print(escaped(f"{', '.join(map(str, item.values()))}: {answer.answer} ({answer.confidence:.1%})"))
    return found


def _named(inputs, kinds):
    """Inputs without an option: of the one kind there is."""
    if not inputs:
        return {}
    require(len(kinds) == 1, "predict", f"this checkpoint takes {' and '.join('--' + k for k in kinds)}, or --table",
            f"{inputs[0]} without saying which it is")
    return {kinds[0]: inputs}


def _paired(given, kinds):
    """One dict of kind to input for each thing to answer."""
    unwanted = [kind for kind, values in given.items() if values and kind not in kinds]
    require(not unwanted, "predict", f"this checkpoint takes {' and '.join(kinds)}", " and ".join(unwanted))
    columns = {kind: [item for value in given[kind] or () for item in _expanded(kind, value)] for kind in kinds}
    counts = {kind: len(column) for kind, column in columns.items()}
    require(len(set(counts.values())) == 1 and min(counts.values()) > 0, "predict",
            f"needs as many of each kind of input, {' and '.join(kinds)}, and at least one",
            ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def _expanded(kind, value):
    """A folder becomes the files in it, a .txt file its lines, anything else stays."""
    if kind == "text":
        name = os.fspath(value)
        is_file = name.lower().endswith(".txt") and (os.path.isfile(name) or not any(map(str.isspace, name)))
        texts = [line for line in read_text(name).splitlines() if line.strip()] if is_file else [value]
        longest = max(map(len, texts), default=0)
        require(longest <= LONGEST_FIELD, "predict", f"a text must have at most {LONGEST_FIELD:,} characters", longest)
        return texts
    require(os.fspath(value), "predict", f"--{kind} must name a file or a folder", "an empty name")
    if os.path.isdir(value):
        files = list_folder(value, SUFFIXES[kind]).files
        require(files, "predict", f"{named(value)} must hold files of a kind {', '.join(SUFFIXES[kind])}", "none")
        return files
    require(os.path.exists(value), "predict", f"{named(value)} must be a file or a folder", "nothing of that name")
    return [Path(value)]


def _rows(table, kinds):
    """The rows of a table, as dicts of kind to input."""
    table = Path(table)
    rows = []
    for where, values in read_rows(table, kinds):
        for kind in kinds:
            require(isinstance(values[kind], str) and values[kind], where, f"needs a text as its {kind}",
                    quoted(values[kind]))
        rows.append({kind: values[kind] if kind == "text" else table.parent / values[kind] for kind in kinds})
    require(rows, "predict", f"{named(table)} must have a row", "none")
    return rows


def _plain(item):
    return {kind: str(value) for kind, value in item.items()}
