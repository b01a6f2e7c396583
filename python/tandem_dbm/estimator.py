"""The estimator for scikit-learn."""

import os
import tempfile
import warnings

import numpy as np

from . import examples
from .fitted import BaseEstimator, NotFittedError, TransformerMixin
from .model import Model, _exported
from .program import DataError, Program, TandemError

__all__ = ["DBM"]

# How many training examples an estimator keeps, for replicas to begin at.
KEPT = 500

# Flags of train that the estimator gives itself.
OWN = ("data", "dry_run", "init", "out", "quiet", "threads")


class DBM(TransformerMixin, BaseEstimator):
    """A Boltzmann machine with one hidden layer (an RBM) or more (a deep one).

    Examples have values from 0 to 1: zeros and ones, or probabilities of ones. Others need
    levels. Fits with the same examples and parameters have the same bits on every machine.

    Parameters
    ----------
    hidden : int or tuple of int, default None
        Units of each hidden layer, from the lowest. None: what the preset has; by default one
        layer of as many units as an example has, at most 500.
    preset : str, default None
        Settings to begin with: quick, paper, direct, best or fit. None: fit, whose settings
        follow from the examples. It holds out a tenth of them, and keeps the best model by these.
    updates : int, default None
        Updates of a fit, or of a call of partial_fit. None: what the preset has.
    learning_rate : float, default None
        None: what the preset has.
    random_state : int, RandomState or Generator, default None
        Seed of all random numbers. None: that of the program, always the same.
    threads : int, default 1
        They do not change the numbers. None: one a core.
    levels : float, default None
        Value that stands for 1: 16 for examples from 0 to 16. None: 1.
    layers : str, default "top"
        What transform returns: "top" or "all" hidden layers.
    settings : dict, default None
        Further flags of `tandem train`: {"batch": 20, "weight_decay": 1e-4}.
    binary : str, default None
        Path of the program. None: the environment variable TANDEM, or else tandem on the PATH.
    verbose : bool, default False
        Show the program's progress.

    Attributes
    ----------
    model_ : Model
        The trained model: model_.W, model_.b, model_.layers; model_.save writes it.
    n_features_in_ : int
    feature_names_in_ : array of str, only where all columns of X have names
    score_kind_ : what score_samples returns: "exact", "estimate" or "bound"; None before

    The estimator holds the whole model, and up to 500 training examples as bits, at which
    estimates of log Z begin. It pickles with them, and needs no file.
    """

    def __init__(
        self,
        hidden=None,
        preset=None,
        updates=None,
        learning_rate=None,
        random_state=None,
        threads=1,
        levels=None,
        layers="top",
        settings=None,
        binary=None,
        verbose=False,
    ):
        self.hidden = hidden
        self.preset = preset
        self.updates = updates
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.threads = threads
        self.levels = levels
        self.layers = layers
        self.settings = settings
        self.binary = binary
        self.verbose = verbose

    def fit(self, X, y=None):
        """Train a new model on X, and return the estimator. y is not used."""
        names = examples.names_of(X)
        X = examples.check(X, "DBM", least=2)
        model = self._train(X, self._flags(self.hidden))
        self._take(model, X, names)
        self._calls = 0
        return self

    def partial_fit(self, X, y=None):
        """Train on, from the model there is, for so many updates, and return the estimator.

        Each call makes as many updates as the parameter says. All examples are learnt from, none
        is held out, and the last model is what stays. The first call is a fit. y is not used.
        """
        names = examples.names_of(X)
        if not hasattr(self, "model_"):
            X, calls, start = examples.check(X, "DBM"), 0, self._flags(self.hidden)
        else:
            X, calls, start = self._check(X), self._calls, self._flags(None)
        flags = {"hold_out": 0, **start}
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            if hasattr(self, "model_"):
                flags["init"] = self.model_._write(folder)
                flags["seed"] = flags.get("seed", 1) + calls  # each call draws others
            model = self._train(X, flags)
        self._take(model, X, names)
        self._calls = calls + 1
        return self

    def transform(self, X):
        """Return the probabilities of the hidden units by mean field, examples × units.

        They are those of the top hidden layer, or of all; with one hidden layer they are exact.
        """
        X = self._check(X)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        return self._model().transform(X, self.layers, "DBM").astype(dtype)

    def score_samples(self, X):
        """Return the log-probability of each example, in nats.

        It is the log-likelihood where one side of the model is so small that the program
        enumerates log Z (score_kind_ "exact"). Otherwise log Z is an estimate by replica
        exchange, made at the first call. With one hidden layer the rest is exact ("estimate");
        with more it is the lower bound of mean field ("bound").

        Values between 0 and 1 are probabilities of ones, which are drawn once: the same example
        always has the same ones.
        """
        return self._model().score_samples(self._check(X), "DBM")

    def score(self, X, y=None):
        """Return the mean of score_samples. y is not used."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n=1, seed=None, sweeps=1000, probabilities=False):
        """Return n samples: zeros and ones, uint8 of n × features.

        Each is the end of a chain of its own, annealed from independent units over so many
        sweeps. seed None is random_state. With probabilities it returns those with which the
        samples are drawn.
        """
        return self._model().sample(n, _seed(self.random_state if seed is None else seed), sweeps, probabilities)

    def get_feature_names_out(self, input_features=None):
        """Return the names of what transform returns: dbm0, …, or dbm1_0, … with all layers."""
        hidden = self._model().layers[1:]
        if self.layers == "all":
            names = [f"dbm{l}_{i}" for l, n in enumerate(hidden, 1) for i in range(n)]
        else:
            names = [f"dbm{i}" for i in range(hidden[-1])]
        return np.asarray(names, dtype=object)

    @property
    def score_kind_(self):
        """What score_samples returns: "exact", "estimate" or "bound"; None before a call."""
        return self._model().score_kind_

    def _flags(self, hidden):
        """Return the flags that the parameters are, by name."""
        flags = {"preset": self.preset, "updates": self.updates, "learning_rate": self.learning_rate}
        flags["hidden"] = (hidden,) if isinstance(hidden, (int, np.integer)) else hidden
        flags["levels"], flags["seed"] = 1 if self.levels is None else self.levels, _seed(self.random_state)
        for name, value in (self.settings or {}).items():
            name = name.replace("-", "_")
            if name in OWN:
                raise ValueError(f"settings: {name}; DBM gives this flag itself")
            flags[name] = value
        return {name: value for name, value in flags.items() if value is not None}

    def _train(self, X, flags):
        """Return the model that the program trains."""
        program, levels = Program(self.binary, self.threads, self.verbose), float(flags["levels"])
        with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
            run, data = os.path.join(folder, "run"), examples.write(folder, X, levels)
            try:
                _, warned = program.run(folder, "train", "--data", data, "--out", run, "--moments=0",
                                        *_arguments(flags))
            except TandemError as error:
                if not examples.outside(X, levels):
                    raise
                hint = error.hint or "DBM(levels=…) says which value stands for 1; X.clip(0, 1) forces values between"
                raise DataError(error.message, hint, error.code) from None
            exported = _exported(program, folder, run)
        for warning in warned:
            warnings.warn(warning, stacklevel=4)
        some = np.random.RandomState(0).permutation(len(X))[:KEPT]
        return Model(exported, program, examples.bits(X[np.sort(some)], levels))

    def _take(self, model, X, names):
        """Make a model that of the estimator."""
        self.model_, self.n_features_in_ = model, X.shape[1]
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _model(self):
        """Return the model, with the program that the parameters say."""
        if not hasattr(self, "model_"):
            raise NotFittedError(
                "This DBM instance is not fitted yet. Call 'fit' with appropriate arguments before using this "
                "estimator."
            )
        self.model_.program = Program(self.binary, self.threads, self.verbose)
        return self.model_

    def _check(self, X):
        """Return examples for a model that there is, as an array."""
        self._model()
        names, known = examples.names_of(X), getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(names) != list(known):
            raise ValueError(
                "The feature names should match those that were passed during fit.\n"
                f"They are {', '.join(names)}; they were {', '.join(known)}."
            )
        return examples.check(X, "DBM", self.n_features_in_)


def _seed(state):
    """Return a seed for the program, or None."""
    if hasattr(state, "randint"):
        return int(state.randint(2**31 - 1))
    if hasattr(state, "integers"):
        return int(state.integers(2**31 - 1))
    return None if state is None else int(state)


def _arguments(flags):
    """Return flags by name as arguments of the program."""
    for name, value in flags.items():
        if isinstance(value, (bool, np.bool_)):
            value = str(bool(value)).lower()
        elif isinstance(value, (list, tuple, np.ndarray)):
            value = ",".join(map(str, value))
        yield f"--{name.replace('_', '-')}={value}"
