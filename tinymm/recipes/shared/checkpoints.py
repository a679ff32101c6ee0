"""A trained model out of its checkpoint, whatever recipe it is of: the file says how to build it."""

from typing import NamedTuple

import numpy as np

from ...data import BytePairTokenizer, CharTokenizer, SubwordTokenizer, WordTokenizer
from ...nn import Module
from ...training import load_checkpoint, load_weights

__all__ = ["Loaded", "TOKENIZERS", "about", "load"]

TOKENIZERS = {"word": WordTokenizer, "char": CharTokenizer, "bpe": BytePairTokenizer, "subword": SubwordTokenizer}


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


def load(path, recipe=None):
    """Build the model of a checkpoint and fill it.

    Parameters
    ----------
    path : path
        A `checkpoint.npz` of any recipe.
    recipe : str, optional
        The recipe it must be of, such as "captioning".

    Returns
    -------
    Loaded

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or not a checkpoint of a recipe, or of another than asked for; naming it.
    """
    from .. import available  # here, since recipes import this file

    told = load_checkpoint(path)[1].get("about") or {}
    name = told.get("recipe")
    if name not in available() or "config" not in told:
        raise ValueError(f"load: {path} must be a checkpoint of a recipe of this version of tinymm; "
                         f"it says recipe {name!r}")
    if recipe not in (None, name):
        raise ValueError(f"load: {path} must be a checkpoint of `tinymm run {recipe}`; it is of {name}")
    page = available()[name]
    model = page.build(told["config"], np.random.default_rng(0))
    load_weights(path, model)
    tokenizer = told["tokenizer"] and TOKENIZERS[told["tokenizer"]["kind"]].from_json(told["tokenizer"]["state"])
    return Loaded(page, model.eval(), told["config"], tokenizer, told["classes"])
