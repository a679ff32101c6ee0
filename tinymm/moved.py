"""Files that have moved since the last release, importable by their old names for one release more.

    from tinymm.data.tokenizer import split_words            # finds tinymm.data.texts.tokenizer

What a room offers (`tinymm.data.WordTokenizer`, `tinymm.nn.LSTM`) is where it always was; this is about single files.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

__all__ = ["MOVED"]

MOVED = {
    **{f"tinymm.data.{old}": f"tinymm.data.{new}" for old, new in {
        "augmentation": "images.augmentation", "coco": "images.coco", "idx": "images.idx",
        "image_folder": "images.folder", "labelled_images": "images.labelled",
        "byte_pairs": "texts.byte_pairs", "characters": "texts.characters", "labelled_texts": "texts.labelled",
        "ngram_model": "texts.ngram_model", "opinions": "texts.opinions", "subwords": "texts.subwords",
        "tfidf": "texts.tfidf", "tokenizer": "texts.tokenizer",
        "shapes_captions": "shapes.captions", "shapes_judge": "shapes.judging", "shapes_language": "shapes.language",
        "shapes_render": "shapes.render", "shapes_scene": "shapes.scene", "shapes_single": "shapes.single",
        "shapes_world": "shapes.world"}.items()},
    **{f"tinymm.nn.{old}": f"tinymm.nn.{new}" for old, new in {
        "cache": "attention.cache", "grouped_attention": "attention.grouped", "hard_attention": "attention.hard",
        "local_attention": "attention.local", "relative": "attention.relative", "scores": "attention.scores",
        "soft_attention": "attention.soft", "baselines": "attention.reward_baselines",
        "attribution": "inspect.attribution", "filters": "inspect.filters", "rollout": "inspect.rollout"}.items()},
    "tinymm.functional.blocks": "tinymm.cores.blocks",
    "tinymm.functional.scratch": "tinymm.cores.memory",
    "tinymm.functional.threads": "tinymm.cores.threads",
}


class _Forwarder:
    """Python asks it for modules that it finds nowhere else; of an old name it gives the module of the new one."""

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec):
        module = import_module(MOVED[spec.name])
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = self.own_spec  # it stays the module of its new name


sys.meta_path.append(_Forwarder())
