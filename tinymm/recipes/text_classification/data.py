"""What the recipe learns from: the embedded opinions, or a folder of tables. Either way a `Task` comes out."""

from dataclasses import dataclass, field

import numpy as np

from ...data import LabelledTexts, bag_limit, draw_opinions, random_split, read_text_folder

__all__ = ["Setting", "Task", "folder_task", "opinions_task"]


@dataclass(frozen=True)
class Setting:
    """What suits a kind of texts: sizes of the encoder, and how it is trained."""

    encoder: str  # unless another is asked for
    width: int  # of the features
    embedding: int  # of a token, where the encoder lets it differ
    dropout: float  # on the token vectors and inside the encoder
    head_dropout: float  # on the pooled vector
    hidden_words: float  # share of the tokens a step does not show
    smoothing: float  # of the labels
    batch_size: int
    epochs: int
    peak_rate: float  # the learning rate at its highest
    weight_decay: float


OPINIONS = Setting("lstm", 64, 32, 0.1, 0.0, 0.0, 0.0, 32, 10, 8e-3, 0.01)
FOLDER = Setting("cnn", 576, 128, 0.2, 0.5, 0.1, 0.1, 64, 20, 2e-3, 0.05)


@dataclass
class Task:
    """Parts "train", "val" and "test", and what the report says of them.

    Attributes
    ----------
    name : str
    parts : dict of str to LabelledTexts
    setting : Setting
    kinds : numpy.ndarray or None
        What kind of sentence each of the test part is, if there are kinds.
    limit : float or None
        The expected accuracy on the test part of the best classifier of bags of words, if it is known.
    notes : dict
    """

    name: str
    parts: dict
    setting: Setting
    kinds: np.ndarray | None = None
    limit: float | None = None
    notes: dict = field(default_factory=dict)

    @property
    def classes(self):
        return self.parts["train"].classes


def opinions_task(seed, train=4000, val=500, test=2000):
    """The embedded opinions; no two of all parts have the same words."""
    drawn = draw_opinions(train + val + test, np.random.default_rng([seed, 1]))
    whole = LabelledTexts([o.text for o in drawn], np.array([o.label for o in drawn]), ("bad", "good"))
    ends = (0, train, train + val, train + val + test)
    parts = {name: whole.rows(np.arange(*ends[k:k + 2])) for k, name in enumerate(("train", "val", "test"))}
    tested = drawn[-test:]
    return Task("opinions", parts, OPINIONS, np.array([o.kind for o in tested]), bag_limit(tested),
                {"source": "embedded opinions"})


def folder_task(directory, seed, columns=("text", "category")):
    """A folder with a table train, and val and test where they are there; what is missing is split off train at random.

    Raises
    ------
    ValueError
        As `read_text_folder`, or if there is one class only, or too few texts to split.
    """
    parts = read_text_folder(directory, columns)
    if len(parts["train"].classes) < 2:
        raise ValueError(f"text-classification: {directory} needs at least two classes; "
                         f"got {', '.join(parts['train'].classes)}")
    notes = {"source": str(directory)}
    for name, share, key in (("test", 0.15, 2), ("val", 0.1, 3)):
        if name in parts:
            notes[f"{name} split"] = "the folder's own"
            continue
        train = parts["train"]
        if len(train) < 20:
            raise ValueError(f"text-classification: {directory} needs at least 20 texts to split off {name}; "
                             f"got {len(train)}")
        rows = random_split(len(train), (1 - share, share), np.random.default_rng([seed, key]))
        parts["train"], parts[name] = map(train.rows, rows)
        notes[f"{name} split"] = f"{share:.0%} of train at random"
    return Task(str(directory), parts, FOLDER, notes=notes)
