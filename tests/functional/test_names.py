"""No file of formulas is called like a function: `F.softmax` is one thing, whichever way it was imported."""

from pkgutil import walk_packages

import tinymm.functional as F


def test_no_file_is_called_like_a_function():
    assert not {module.name.rpartition(".")[2]
                for module in walk_packages(F.__path__, "tinymm.functional.")} & set(F.__all__)


def test_all_names_exist_once():
    assert len(F.__all__) == len(set(F.__all__)) and all(hasattr(F, name) for name in F.__all__)
