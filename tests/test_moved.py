"""Files are importable by the names they had in the last release."""

import subprocess
import sys
from importlib import import_module

import pytest

from tinymm.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_is_the_module_of_the_new_one(old):
    module = import_module(old)
    assert module is import_module(MOVED[old])
    assert module.__name__ == MOVED[old] == module.__spec__.name


def test_names_can_be_imported_from_it_first_thing():
    code = "from tinymm.data.tokenizer import split_words; import tinymm.data.texts.tokenizer as new; " \
           "print(split_words is new.split_words)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_names_that_never_were_are_not_found():
    with pytest.raises(ModuleNotFoundError, match="No module named 'tinymm.data.nonsense'"):
        import_module("tinymm.data.nonsense")
