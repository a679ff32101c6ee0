"""What every recipe gives at seed 0, to the last bit: a hash of its weights, and its metrics.

    python -m tests.recipes.bits > before.txt       # at one commit
    python -m tests.recipes.bits | diff before.txt -   # at another: silent if nothing but names has moved

One epoch on the embedded data, BLAS held to one thread, two recipes at a time. Kernels are the machine's, so lists
compare on one machine only. Times are left out, and so are the arrays' names: a layer may move to another attribute.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

RUNS = ("captioning", "image-recognition", "image-recognition --model vit", "text-classification",
        "text-classification --tokenizer subword --encoder transformer", "speech-recognition",
        "speech-recognition --encoder transformer", "sound-classification")


def lines(words):
    """Of one run, the hash of its weights and each of its metrics."""
    name, *options = words.split()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tinymm", "run", name, *options, "--epochs", "1", "--out", f"{folder}/run"]
        done = subprocess.run(command, capture_output=True, text=True,
                              env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
        if done.returncode:
            return f"{words}: {done.stderr.strip()}"
        with np.load(Path(folder, "run", "checkpoint.npz")) as arrays:
            found = sorted(digest(arrays[k].tobytes()) for k in arrays.files if k.startswith(("model/", "kept/")))
        metrics = json.loads(Path(folder, "run", "metrics.json").read_text("utf-8"))
    told = [f"weights {digest(json.dumps(found))}", *(f"{k} {v!r}" for k, v in sorted(metrics.items()))]
    return "\n".join(f"{words}: {what}" for what in told if "seconds" not in what)


def digest(content):
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:16]


if __name__ == "__main__":
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lines, sys.argv[1:] or RUNS):
            print(found, flush=True)
