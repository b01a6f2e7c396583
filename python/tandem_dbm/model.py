"""A trained model, as the bytes of a file that the program reads."""

import csv
import io
import json
import os
import tempfile
import warnings
import zipfile

import numpy as np

from . import examples
from .program import DataError, Program, TandemError

__all__ = ["Model", "load"]

MODELS = "a model is the folder of a run, or an .npz of W1, b0, b1, …"


def load(path, binary=None, threads=1, verbose=False):
    """Return the model of a run's folder, or of an .npz.

    An .npz is what `tandem export` writes, or weights from elsewhere: W1, W2, … (units below ×
    above), b0, b1, …. binary, threads and verbose are as for DBM.
    """
    path, program = os.path.abspath(os.fspath(path)), Program(binary, threads, verbose)
    if os.path.isdir(path) or not os.path.exists(path):  # the program has words for the latter
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            return Model(_exported(program, folder, path), program)
    with open(path, "rb") as file:
        return Model(file.read(), program)


def _exported(program, folder, run):
    """Return the bytes of the model of a run."""
    name = os.path.join(folder, "exported.npz")
    program.run(folder, "export", run, "--npz", name)
    with open(name, "rb") as file:
        return file.read()


class Model:
    """A trained model.

    layers      units of each layer, the visible one first
    W           list of weights, W[l] float32 of layers[l] × layers[l+1]
    b           list of biases, b[l] float32 of layers[l]
    levels      value of an example that stands for 1
    settings    how the model was trained, as in config.json of a run; {}: nothing tells
    score_kind_ what score_samples returns: "exact", "estimate" or "bound"; None before

    It holds all of the model in memory, and needs no file. It pickles.
    """

    def __init__(self, data, program=None, start=None):
        """data is the bytes of an .npz; start is training examples of 0 and 1, or None."""
        self.data, self.program = data, program or Program()
        self._start = None if start is None else (np.packbits(start, axis=1), start.shape[1])
        self._log_z = self.score_kind_ = None
        self._open()

    def _open(self):
        try:
            with np.load(io.BytesIO(self.data), allow_pickle=False) as arrays:
                self.W, self.b = [], []
                while f"W{len(self.W) + 1}" in arrays:
                    self.W.append(arrays[f"W{len(self.W) + 1}"])
                self.b = [arrays[f"b{l}"] for l in range(len(self.W) + 1)]
        except (KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise TandemError(f"this is no model: {error}", MODELS) from error
        if not self.W:
            raise TandemError("this is no model: it has no W1", MODELS)
        self.layers = (len(self.b[0]),) + tuple(w.shape[1] for w in self.W)
        about = _describe(self.data)
        self.settings = about.get("config", {})
        self.levels = float(self.settings.get("levels") or 255) if about else 1.0

    def __getstate__(self):
        state = dict(self.__dict__)
        for name in ("W", "b", "layers", "settings", "levels"):
            del state[name]  # they follow from data
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._open()

    def save(self, path):
        """Write the model to a file, which the program reads in place of a run."""
        with open(path, "wb") as file:
            file.write(self.data)

    def transform(self, X, layers="top", who="Model"):
        """Return the hidden units' probabilities by mean field, float32.

        layers: "top" for those of the top layer, "all" for all, from the lowest on.
        """
        if layers not in ("top", "all"):
            raise ValueError(f'layers: {layers!r}; must be "top" or "all"')
        X = self._check(X, who)
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            found = os.path.join(folder, "q.npz")
            self._examine(folder, X, "features", "--npz", found)
            with np.load(found) as q:
                every = [q[f"q{l}"] for l in range(1, len(self.layers))]
        return every[-1] if layers == "top" else np.hstack(every)

    def score_samples(self, X, who="Model"):
        """Return the log-probability of each example, in nats, float64.

        score_kind_ then says what it is. "exact": the log-likelihood, where one side of the
        model is so small that the program enumerates log Z. "estimate": with one hidden layer,
        the exact log of the unnormalized probability minus an estimate of log Z. "bound": with
        more hidden layers, the lower bound of mean field minus an estimate of log Z. The
        estimate is by replica exchange; it is made once, at the first call.

        A probability has an example of zeros and ones. Other values, over levels, are the
        probabilities of ones, which are drawn once: the same example always has the same ones.
        """
        X = self._check(X, who)
        if examples.outside(X, self.levels):
            with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
                self._examine(folder, X, "features", "--npz", os.path.join(folder, "q.npz"))  # raises the error
        drawn = examples.bits(X, self.levels)
        terms, exact = self._terms(drawn)
        if self._log_z is None:
            self._log_z = self._estimate(drawn)
        self.score_kind_ = "exact" if self._log_z["exact"] else "estimate" if len(self.layers) == 2 else "bound"
        return exact if exact is not None and len(self.layers) > 2 else terms - self._log_z["log_z"]

    def score(self, X):
        """Return the mean of score_samples."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n=1, seed=None, sweeps=1000, probabilities=False):
        """Return n samples of the visible units: zeros and ones, uint8 of n × visible units.

        Each is the end of a chain of its own, annealed from independent units over so many
        sweeps. The same seed, a whole number, gives the same samples. With probabilities, it
        returns those of the visible units with which samples are drawn, float32.
        """
        if n < 1 or sweeps < 1:
            raise ValueError(f"n: {n}, sweeps: {sweeps}; must be 1 or above")
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            found = os.path.join(folder, "samples.npz")
            args = ["--fresh", n, "--anneal", sweeps, "--npz", found, "--out", os.path.join(folder, "samples.png")]
            if seed is not None:
                args += ["--seed", seed]
            self.program.run(folder, "sample", self._write(folder), *args)
            with np.load(found) as arrays:
                return arrays["probabilities" if probabilities else "samples"]

    def _check(self, X, who):
        """Return examples as an array, after a warning where they seem to have another scale."""
        X = examples.check(X, who, self.layers[0])
        if self.levels > 1 and X.dtype.kind == "f" and 0 < X.max() <= 1:
            warnings.warn(f"no value is above 1, but {self.levels:g} stands for 1 in this model", stacklevel=4)
        return X

    def _write(self, folder):
        path = os.path.join(folder, "model.npz")
        self.save(path)
        return path

    def _examine(self, folder, X, verb, *args):
        """Run a command that looks at examples, and return what it prints."""
        data = examples.write(folder, X, self.levels)
        try:
            return self.program.run(folder, verb, self._write(folder), "--data", data, *args)[0]
        except TandemError as error:
            if examples.outside(X, self.levels):
                raise DataError(error.message, error.hint, error.code) from None
            raise

    def _score(self, folder, drawn, *args):
        """Run eval on examples of 0 and 1, and return its JSON."""
        X = drawn * (self.levels if self.levels != 1 else np.uint8(1))
        return json.loads(self._examine(folder, X, "eval", "--pixels", "threshold", "--json", *args))

    def _terms(self, drawn):
        """Return the scores of examples without log Z, and their log-likelihoods or None.

        The program cannot leave out log Z. So it makes the least of it, and does not enumerate
        it again for a model whose scores follow from the one that is known.
        """
        known = self._log_z is not None and len(self.layers) == 2
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            found, how = os.path.join(folder, "terms.csv"), "no" if known else "auto"
            least = ("--ensembles", 0, "--runs", 2, "--temps", 2, "--exact", how)
            about = self._score(folder, drawn, *least, "--per-example", found)
            with open(found, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        terms = np.array([float(row["negative_energy"]) + float(row["entropy"]) for row in rows])
        if not rows[0].get("log_likelihood"):
            return terms, None
        self._log_z = {"exact": True, "log_z": about["log_z"]}
        return terms, np.array([float(row["log_likelihood"]) for row in rows])

    def _estimate(self, drawn):
        """Return what eval says of log Z, which begins at training examples, or at others."""
        if self._start is not None:
            drawn = np.unpackbits(self._start[0], axis=1, count=self._start[1])
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            found = self._score(folder, drawn, "--runs", 0)
        if not found["trusted"]:
            warnings.warn("the estimate of log Z is not to be trusted: " + "; ".join(found["distrust"]), stacklevel=4)
        return {"exact": False, "log_z": found["log_z"], "log_z_stderr": found["log_z_stderr"]}


def _describe(data):
    """Return what an exported model says of itself; {}: nothing."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "tandem.json" not in archive.namelist():
            return {}
        return json.loads(archive.read("tandem.json"))
