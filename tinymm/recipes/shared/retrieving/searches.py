"""Searching in the space of trained towers: every modality by every other, and how well the right ones are found."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ....data import read_image
from ....metrics import Standing, dot_products, standing
from .training import HOP, pad_texts, scale_of
from ..paired import Items, distinct, right_texts
from ..predicting import Answer
from ..prediction import over_batches
from ..results import Scores
from ..sounds import padded, spectrogram

__all__ = ["Answers", "KS", "Search", "Space", "chance", "embed_images", "embed_sounds", "embed_texts", "nearest_texts",
           "probabilities", "recalls", "scored", "searches"]

KS = (1, 5, 10)
BATCH = 100  # that are encoded at a time


def embed_images(towers, images):
    """Pictures (N, 3, H, W) to unit vectors (N, D)."""
    return _embedded(towers, len(images), lambda rows: towers("image", images[rows]).data)


def embed_texts(towers, tokens, texts):
    """Texts to unit vectors (N, D)."""
    encoded = [tokens.encode(text) for text in texts]

    def embed(rows):
        return towers("text", *pad_texts(tokens, [encoded[i] for i in rows])).data

    return _embedded(towers, len(texts), embed, [*map(len, encoded)])


def embed_sounds(towers, sounds):
    """Recordings to unit vectors (N, D)."""
    def embed(rows):
        return towers("speech", *padded([spectrogram(sounds[i], HOP) for i in rows])).data

    return _embedded(towers, len(sounds), embed, [*map(len, sounds)])


def _embedded(towers, n, embed, lengths=None):
    return np.stack(over_batches(towers, n, BATCH, lambda rows: list(embed(rows)), lengths))


@dataclass(frozen=True)
class Space:
    """Some items as vectors of length 1, those of all modalities in one space.

    Attributes
    ----------
    items : Items
    texts : dict of str to list of str
        By language all different texts about the items.
    heard : int array (K,)
        Which items have a recording.
    vectors : dict of str to array
        "image" (N, D); by language (M, D); "speech" (K, D), if there are recordings.
    """

    items: Items
    texts: dict
    heard: np.ndarray
    vectors: dict

    @classmethod
    def of(cls, items, embed_images, embed_texts, embed_sounds):
        """What three functions make of all that there is of some items."""
        texts = {language: distinct(text for own in each for text in own) for language, each in items.texts.items()}
        texts = {language: some for language, some in texts.items() if some}
        heard = np.array(sorted(items.sounds), int)
        vectors = {"image": embed_images(items.all_images())}
        vectors |= {language: embed_texts(some) for language, some in texts.items()}
        if len(heard):
            vectors["speech"] = embed_sounds([items.sounds[i] for i in heard])
        return cls(items, texts, heard, vectors)

    @classmethod
    def of_towers(cls, towers, tokens, items):
        """Where towers put some items."""
        return cls.of(items, partial(embed_images, towers), partial(embed_texts, towers, tokens),
                      partial(embed_sounds, towers))

    def shifted(self, shift):
        """The same with the pictures, and what is heard, exchanged among the items."""
        moved = {name: np.roll(self.vectors[name], shift, 0) for name in ("image", "speech") if name in self.vectors}
        return replace(self, vectors=self.vectors | moved)


@dataclass(frozen=True)
class Answers:
    """Which is right for which.

    Attributes
    ----------
    right : dict of (str, str) to bool array
        By two modalities, as they are in `Space.vectors`: which of the second are right for each of the first.
    """

    right: dict

    @classmethod
    def of(cls, space):
        """Right answers among the items of a space.

        A recording is right for a picture if what is said in it is; a text and a recording belong together if there is
        a picture for which both are right.
        """
        items = space.items
        right = {("image", language): right_texts(items, some, language) for language, some in space.texts.items()}
        if len(space.heard):
            said = [items.spoken[i] for i in space.heard]
            heard = right_texts(items, said, "text_fr" if "text_fr" in space.texts else "text")
            heard[space.heard, np.arange(len(said))] = True
            right |= {(language, "speech"): right["image", language].T.astype(np.float32) @ heard > 0
                      for language in space.texts}
            right["image", "speech"] = heard
        return cls(right)


class Search(NamedTuple):
    """Queries of one modality in a gallery of another.

    Attributes
    ----------
    name : str
        "image_to_text".
    queries : int array (n,)
        Those of all that have a right answer.
    similarity : array (n, M)
    right : bool array (n, M)
    """

    name: str
    queries: np.ndarray
    similarity: np.ndarray
    right: np.ndarray


def searches(space, answers):
    """All searches that a space allows, every modality by every other and both ways: list of Search."""
    found = []
    for (one, other), right in answers.right.items():
        similarity = dot_products(space.vectors[one], space.vectors[other])
        found += [_search(f"{one}_to_{other}", similarity, right), _search(f"{other}_to_{one}", similarity.T, right.T)]
    return [search for search in found if len(search.queries)]


def _search(name, similarity, right):
    queries = np.flatnonzero(right.any(1))
    return Search(name, queries, similarity[queries], right[queries])


def scored(search, ties="against"):
    """Scores of a search: recall among the first K, and the rank of the best right answer.

    Parameters
    ----------
    search : Search
    ties : {"against", "expected"}
        Whether wrong answers that are as near as the right one stand before it, or all of them in random order. Ours
        are counted against us; bags of words, which tie often, get what is to be expected.
    """
    return _scores(standing(search.similarity, search.right), ties)


def chance(search):
    """Scores to be expected of a gallery in random order, exactly: one tie of all."""
    right = search.right.sum(1)
    return _scores(Standing(np.zeros_like(right), search.right.shape[1] - right, right), "expected")


def _scores(found, ties):
    return Scores({f"recall_at_{k}": found.recalls(k, ties) for k in KS},
                  {"median_rank": found.median(ties), "mean_rank": found.mean(ties)})


def recalls(space, answers):
    """R@1 of every search between modalities that are trained on each other, and their mean: for validation."""
    each = {f"{search.name}_r1": scored(search).metrics["recall_at_1"] for search in searches(space, answers)
            if "image" in search.name}
    return {"recall_at_1": float(np.mean([*each.values()])), **each}


def probabilities(towers, tokens, images, texts):
    """For each picture a softmax over some texts, at the towers' temperature: array (N, M)."""
    logits = scale_of(towers) * embed_images(towers, images) @ embed_texts(towers, tokens, texts).T
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def nearest_texts(loaded, items):
    """For `tinymm predict`: of the gallery that a checkpoint keeps, the text nearest to each picture file.

    Its probability is a softmax over that gallery: it says which of its texts fits best, not whether any does.
    """
    images = np.stack([read_image(item["image"], (loaded.config["size"],) * 2) for item in items])
    answers = []
    for row in probabilities(loaded.model, loaded.tokenizer, images, loaded.classes):
        others = {loaded.classes[j]: float(row[j]) for j in np.argsort(-row, kind="stable")}
        best = next(iter(others))
        answers.append(Answer(best, others[best], others))
    return answers
