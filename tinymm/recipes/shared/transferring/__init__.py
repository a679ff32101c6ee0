"""`tinymm run transfer`: what its page leaves out.

`pictures` are the scenes to pre-train on and, apart from them, those of the tasks; `starts` what is learned before any
task; `tasks` the three tasks, each as a model, its batches and its test; `fitting` one training, which a resumed run
takes from its folder; `tables` who gained what.
"""

__all__ = []
