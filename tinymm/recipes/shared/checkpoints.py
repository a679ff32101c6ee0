"""A trained model out of its checkpoint, whatever recipe it is of: the file says how to build it.

What it says is checked before it is believed: a stranger's file, or a damaged one, is refused in one line and never
taken for something that it is not.
"""

import math
from typing import NamedTuple

import numpy as np

from ...data import BytePairTokenizer, CharTokenizer, SubwordTokenizer, WordTokenizer
from ...data.files import file_error, named, one_line, quoted
from ...nn import Module
from ...training.checkpoint import Checkpoint

__all__ = ["Loaded", "TOKENIZERS", "about", "checked_config", "load"]

TOKENIZERS = {"word": WordTokenizer, "char": CharTokenizer, "bpe": BytePairTokenizer, "subword": SubwordTokenizer}
LARGEST_SIZE = 1 << 16  # of a layer, a vocabulary, a picture's side


class Loaded(NamedTuple):
    """What a checkpoint holds, ready for use.

    Attributes
    ----------
    recipe : module
        The page that made it, such as `tinymm.recipes.captioning`.
    model : Module
        With the weights that training ended with, in eval mode.
    config : dict
        Of which the recipe's `build` made the model.
    tokenizer : object or None
    classes : list of str or None
    """

    recipe: object
    model: Module
    config: dict
    tokenizer: object
    classes: list | None


def about(recipe, config, tokenizer=None, classes=None):
    """What a checkpoint says of its model beside the weights: plain JSON."""
    kinds = [kind for kind, cls in TOKENIZERS.items() if type(tokenizer) is cls]
    return {"recipe": recipe, "config": config, "classes": classes and list(classes),
            "tokenizer": {"kind": kinds[0], "state": tokenizer.to_json()} if kinds else None}


def checked_config(config, **kinds):
    """The config itself, if it has these entries, each of its kind, and no others: what `build` begins with.

    Parameters
    ----------
    config : dict
    **kinds : type, tuple of str, or list of a kind
        By name: `int` a size from 1 to 65,536; `float` a probability in [0, 1); a tuple, one of these words; ``[int]``
        a list of sizes, at least one.

    Raises
    ------
    ValueError
        Naming the first entry that is wrong.

    Examples
    --------
    >>> checked_config({"width": "8"}, width=int)
    Traceback (most recent call last):
    ValueError: config: width must be a size from 1 to 65,536; got '8'
    """
    if not isinstance(config, dict) or config.keys() != kinds.keys():
        raise ValueError(f"config: needs {', '.join(kinds)}; got {quoted(config)}")
    for name, kind in kinds.items():
        if not _is_of_kind(config[name], kind):
            raise ValueError(f"config: {name} must be {_described(kind)}; got {quoted(config[name])}")
    return config


def _is_of_kind(value, kind):
    if kind is int:
        return type(value) is int and 1 <= value <= LARGEST_SIZE
    if kind is float:
        return type(value) in (int, float) and 0 <= value < 1
    if isinstance(kind, tuple):
        return isinstance(value, str) and value in kind
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_of_kind(item, kind[0]) for item in value)


def _described(kind):
    if isinstance(kind, tuple):
        return f"one of {', '.join(kind)}"
    words = {int: f"a size from 1 to {LARGEST_SIZE:,}", float: "a probability in [0, 1)"}
    return words[kind] if isinstance(kind, type) else f"a list, of each entry {_described(kind[0])}"


def load(path, recipe=None):
    """Build the model of a checkpoint and fill it.

    Parameters
    ----------
    path : path
        A `checkpoint.npz` of any recipe.
    recipe : str, or tuple of str, optional
        The recipe it must be of, such as "captioning", or one of several.

    Returns
    -------
    Loaded

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or not a checkpoint of a recipe, or of another than asked for, or its parts do not fit
        together; naming it.
    """
    with Checkpoint(path) as checkpoint:
        page, told = _page(path, checkpoint.meta, recipe)
        try:
            tokenizer = _tokenizer(page, told["config"], told["tokenizer"])
            classes = _classes(told["config"], told["classes"])
        except ValueError as error:
            raise file_error(path, f"what it says of its model is damaged; {one_line(error)}") from error
        model = _built(path, page, told["config"], checkpoint.headers)
        model.load_state_dict(checkpoint.weights(model.state_dict()))
    return Loaded(page, model.eval(), told["config"], tokenizer, classes)


def _page(path, meta, recipe):
    """The recipe's module, and what the checkpoint says of its model."""
    from .. import available  # here, since recipes import this file

    told = meta.get("about")
    name = told.get("recipe") if isinstance(told, dict) else None
    is_whole = isinstance(name, str) and name in available() \
        and told.keys() == {"recipe", "config", "tokenizer", "classes"} and isinstance(told["config"], dict)
    if not is_whole:
        raise ValueError(f"load: {named(path)} must be a checkpoint of a recipe of this version of tinymm; "
                         f"it says recipe {quoted(name)}")
    wanted = (recipe,) if isinstance(recipe, str) else recipe
    if wanted is not None and name not in wanted:
        commands = " or ".join(f"`tinymm run {own}`" for own in wanted)
        raise ValueError(f"load: {named(path)} must be a checkpoint of {commands}; it is of {name}")
    return available()[name], told


def _tokenizer(page, config, told):
    """The tokenizer, if the recipe has one; as many words as the config says."""
    kinds = getattr(page, "TOKENIZERS", {})
    if told is None and not kinds:
        return None
    if not isinstance(told, dict) or told.keys() != {"kind", "state"} or told["kind"] not in [*kinds]:
        raise ValueError(f"a tokenizer must be {' or '.join(kinds) or 'none'}; got {quoted(told)}")
    tokenizer = kinds[told["kind"]].from_json(told["state"])
    if len(tokenizer) != config.get("vocabulary"):
        raise ValueError(f"the config's vocabulary must be the tokenizer's {len(tokenizer)}; "
                         f"got {quoted(config.get('vocabulary'))}")
    return tokenizer


def _classes(config, told):
    """The names of the classes, if there are some; as many as the config says."""
    if told is None and "classes" not in config:
        return None
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told) or len(set(told)) < len(told) \
            or len(told) != config.get("classes", len(told)):
        raise ValueError(f"classes must be {quoted(config.get('classes', 'some'))} different names; got {quoted(told)}")
    return told


class _Bounded(np.random.Generator):
    """Draws not many more numbers than a model has that fits the file: one far larger is found before it takes memory.

    Starting values may be drawn twice, by a layer and then by the model that it is in.
    """

    def __init__(self, numbers):
        super().__init__(np.random.PCG64(0))
        self.left = 2 * numbers

    def uniform(self, low=0.0, high=1.0, size=None):
        return super().uniform(low, high, self._counted(size))

    def normal(self, loc=0.0, scale=1.0, size=None):
        return super().normal(loc, scale, self._counted(size))

    def _counted(self, size):
        self.left -= math.prod(np.atleast_1d(() if size is None else size).tolist())
        if self.left < 0:
            raise ValueError("the model would be larger than the weights that are there")
        return size


def _built(path, page, config, headers):
    """The model of a config, not yet filled."""
    elements = sum(math.prod(shape) for shape, _ in headers.values())
    try:
        return page.build(config, _Bounded(elements))
    except (Exception, MemoryError) as error:  # a config that is wrong shows in many ways
        raise file_error(path, f"no model can be built of its config; {one_line(error)}") from error
