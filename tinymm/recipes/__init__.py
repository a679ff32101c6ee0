"""One runnable task each: data → model → train → report. Run them with `tinymm run NAME`, or call `NAME.run(...)`.

A recipe is a page of this folder; to add one is to write its file. `shared` holds what pages are written with.
"""

import pkgutil
from importlib import import_module

__all__ = ["available"]


def available():
    """The recipes there are: dict of name, as in `tinymm run NAME`, to module.

    Examples
    --------
    >>> available()["text-classification"].__name__
    'tinymm.recipes.text_classification'
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "shared")
    return {name.replace("_", "-"): import_module(f"{__name__}.{name}") for name in names}


__all__ += [module.__name__.rpartition(".")[2] for module in available().values()]
