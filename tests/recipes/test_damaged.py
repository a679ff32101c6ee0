"""A damaged checkpoint is refused in one line that names it, or is not damaged: it loads to the same thing."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.exits import one_line, reason
from tinymm.recipes.shared import load
from tinymm.recipes.shared.checkpoints import about
from tinymm.training import save_checkpoint

from ..training.damage import damage
from .test_predict import CASES, PAGES


def written(name, path):
    """A small untrained checkpoint of a recipe, with what a Trainer saves beside the weights."""
    config, tokenizer, classes = CASES[name]
    model = PAGES[name].build(config, np.random.default_rng(1))
    arrays = {f"{part}/{key}": array for part in ("model", "kept") for key, array in model.state_dict().items()}
    arrays["optimizer/param_groups.0.lr"] = np.array(0.1)
    save_checkpoint(path, arrays, {"identity": {"seed": 0}, "about": about(name, config, tokenizer, classes)})


class Whole:
    """A checkpoint as it was written."""

    def __init__(self, name, path):
        written(name, path)
        self.path, self.data, self.content = path, path.read_bytes(), content(path)


def content(path):
    loaded = load(path)
    return (loaded.recipe, json.dumps(loaded.config), loaded.classes, loaded.tokenizer and loaded.tokenizer.to_json(),
            {name: (array.dtype, array.shape, array.tobytes()) for name, array in loaded.model.state_dict().items()})


def refusal(call, name):
    """The one line in which something is refused, naming a file, at once; or None if it is not."""
    began = time.monotonic()
    try:
        call()
    except Exception as error:
        line, status = reason(error)
        assert status == 2 and name in line and one_line(line) == line, repr(error)
        return line
    finally:
        assert time.monotonic() - began < 2


@pytest.fixture(scope="module", params=CASES)
def whole(request, tmp_path_factory):
    return Whole(request.param, tmp_path_factory.mktemp("whole") / "c.npz")


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_a_damaged_checkpoint_is_refused_or_whole(whole, seed):
    whole.path.write_bytes(whole.data)
    way = damage(whole.path, seed)
    found = []
    if refusal(lambda: found.append(content(whole.path)), "c.npz") is None:
        assert found == [whole.content], way.__name__
