"""Mutation of the mathematics: every VJP rewritten, one change at a time;
a change that no check notices shows a hole in the checks.

`targets` says which functions are rewritten, `rewrites` how one node of a formula can be got wrong, `mutants` puts that
into the text of the function, `install` runs it in place of the original, `checks` asks every rung of the ladder and
the tests of that file, `workers` does so in processes of its own, `notebook` remembers, `equivalent` lists what cannot
be told apart, `report` shows the rest. The source on disk is never touched.
"""
