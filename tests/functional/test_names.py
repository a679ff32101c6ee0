"""No file of formulas is called like a function: `F.softmax` is one thing, whichever way it was imported."""

from pkgutil import iter_modules

import tinymm.functional as F


def test_no_file_is_called_like_a_function():
    assert not {module.name for module in iter_modules(F.__path__)} & set(F.__all__)


def test_all_names_exist_once():
    assert len(F.__all__) == len(set(F.__all__)) and all(hasattr(F, name) for name in F.__all__)
