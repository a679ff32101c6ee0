"""Things of up to three modalities by part: a picture, texts about it in one language or several, a spoken text."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...data import ShapesWorld, judge, normalise, read_wave, single_captions, single_scenes
from ...data.files import file_error, quoted
from ...data.shapes.language import parse
from ...data.speech import spoken_captions
from .captioned import drawn_scenes, read_captioned
from .options import require
from .sounds import RATE

__all__ = ["MODALITIES", "Items", "distinct", "drawn_items", "read_items", "right_texts"]

MODALITIES = ("image", "text", "speech")
LANGUAGE = re.compile(r"caption_([a-z]{2})")  # a field of an image entry: its caption in a further language
SCENES = {"train": 14_000, "held": 1000}  # of the shapes world
SINGLE = 2000  # further scenes to train on, of one thing each
SPOKEN = {"train": 4000, "val": 200, "test": 300, "test/held_out": 300}  # of them, so many described aloud


@dataclass
class Items:
    """Some pictures and what is said of them.

    Attributes
    ----------
    images : callable
        ``images(rows)`` → float32 (n, 3, H, W) in [0, 1].
    texts : dict of str to list of list of str
        By language the texts about each picture, "text" the first; there may be none in a further language.
    scenes : list of Scene or None
        What is really there, if it is known.
    sounds : dict of int to float32 array (T,)
        The recording of those pictures that have one, by number.
    spoken : dict of int to str
        What is said in it.
    """

    images: Callable
    texts: dict
    scenes: list | None = None
    sounds: dict = field(default_factory=dict)
    spoken: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.texts["text"])

    @property
    def captions(self):
        """The texts in the first language: list of list of str."""
        return self.texts["text"]

    def all_images(self):
        """float32 (N, 3, H, W)."""
        return self.images(np.arange(len(self)))

    def rows(self, numbers):
        """The pictures of these numbers, with all that is said of them."""
        numbers = np.asarray(numbers, int)
        return Items(lambda rows: self.images(numbers[rows]),
                     {name: [texts[i] for i in numbers] for name, texts in self.texts.items()},
                     self.scenes and [self.scenes[i] for i in numbers],
                     *({k: known[i] for k, i in enumerate(numbers) if i in known}
                       for known in (self.sounds, self.spoken)))


def drawn_items(rng, modalities=MODALITIES):
    """Scenes of the shapes world by part, for training some of one thing too; of some the shortest caption is spoken.

    Parameters
    ----------
    rng : numpy.random.Generator
    modalities : collection of str
        With "speech" there are recordings.
    """
    parts, notes = drawn_scenes(rng, **SCENES)
    items = {name: Items(part.images, {"text": part.captions}, part.scenes) for name, part in parts.items()}
    items["train"] = _joined(items["train"], _single_things(rng))
    if "speech" in modalities:
        for name, part in items.items():
            said = [min(texts, key=len) for texts in part.captions[:SPOKEN[name]]]
            part.spoken = dict(enumerate(said))
            part.sounds = dict(enumerate(spoken_captions(said, rng, RATE)))
    return items, notes


def _single_things(rng):
    """Items of one thing each, of the pairs that training may see."""
    world = ShapesWorld()
    scenes = single_scenes(world.seen, SINGLE, rng)
    stored = np.rint(world.render(scenes, rng) * 255).astype(np.uint8)
    return Items(lambda rows: stored[rows].astype(np.float32) / np.float32(255),
                 {"text": [single_captions(scene, rng) for scene in scenes]}, scenes)


def _joined(one, other):
    """Items of the shapes world, and after them others."""
    n = len(one)

    def images(rows):
        rows = np.asarray(rows, int)
        found = np.empty((len(rows), *one.images([0]).shape[1:]), np.float32)
        found[rows < n], found[rows >= n] = one.images(rows[rows < n]), other.images(rows[rows >= n] - n)
        return found

    return Items(images, {"text": one.captions + other.captions}, one.scenes + other.scenes)


def read_items(directory, rng, size=None, hold_out=None, modalities=MODALITIES):
    """A folder in COCO-captions layout by part, as `read_captioned`, and what its image entries have beside a caption.

    A field `caption_fr` (or another code of two letters) is a text in a further language; a field `speech` names a WAV
    file in DIR/speech, which says the French text if there is one, else the caption.

    Raises
    ------
    ValueError
        As `read_captioned` and `read_wave`.
    """
    parts, notes = read_captioned(directory, rng, size, hold_out)
    languages = sorted({found[1] for part in parts.values() for entry in part.fields for name in entry
                        if (found := LANGUAGE.fullmatch(name))})
    items = {}
    for name, part in parts.items():
        further = {f"text_{code}": [_texts(directory, entry, f"caption_{code}") for entry in part.fields]
                   for code in languages}
        items[name] = Items(part.images, {"text": part.captions, **further})
        if "speech" in modalities:
            items[name].sounds, items[name].spoken = _recordings(Path(directory), part, further)
    return items, notes


def _texts(directory, entry, name):
    """The text in a further language, if there is one."""
    text = entry.get(name)
    if text is not None and not isinstance(text, str):
        raise file_error(Path(directory) / "captions.json", f"{name} must be text; got {quoted(text)}")
    return [text.strip()] if text and text.strip() else []


def _recordings(directory, part, further):
    sounds, spoken = {}, {}
    for i, entry in enumerate(part.fields):
        name = entry.get("speech")
        if name is None:
            continue
        require(isinstance(name, str) and Path(name).name == name, directory / "captions.json",
                "speech must be the name of a file in the folder speech", quoted(name))
        sounds[i] = read_wave(directory / "speech" / name, RATE).samples
        french = further.get("text_fr")
        spoken[i] = (french[i] if french and french[i] else part.captions[i])[0]
    return sounds, spoken


# Which belong together -------------------------------------------------------------------------------------------


def distinct(texts):
    """Different texts, in the order of their first occurrence; two are the same if their normal forms are.

    Examples
    --------
    >>> distinct(["A cat", "a dog", "a cat"])
    ['A cat', 'a dog']
    """
    first = {}
    for text in texts:
        first.setdefault(normalise(text), text)
    return list(first.values())


def right_texts(items, texts, language="text"):
    """Which of some texts are right for each picture: bool (N, M).

    A text is right for a picture if it is one of its own. Where scenes are known, so is every text that the judge finds
    true and complete, whoever wrote it.

    Parameters
    ----------
    items : Items
    texts : sequence of str
    language : str
        Of whose texts a picture's own are taken.
    """
    numbers = {}
    for j, text in enumerate(texts):
        numbers.setdefault(normalise(text), []).append(j)
    right = np.zeros((len(items), len(texts)), bool)
    for i, own in enumerate(items.texts[language]):
        for text in own:
            right[i, numbers.get(normalise(text), [])] = True
    if items.scenes is not None and language == "text":
        _add_true(right, items.scenes, texts)
    return right


def _add_true(right, scenes, texts):
    """A complete text names every thing of its scene and no other: only such ones go before the judge."""
    naming = {}
    for j, text in enumerate(texts):
        reading = parse(text)
        things = frozenset((m.colour, m.shape) for m in reading.mentions) if reading else None
        naming.setdefault(things, []).append(j)
    for i, scene in enumerate(scenes):
        for j in naming.get(frozenset(scene.compositions), ()):
            verdict = judge(texts[j], scene)
            right[i, j] |= verdict.true and verdict.complete
