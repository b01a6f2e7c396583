"""The estimator and load, with scikit-learn or without."""

import itertools
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import unittest
import warnings

import numpy as np

from tandem_dbm import DBM, DataError, NotFittedError, TandemError, load
from tandem_dbm.examples import bits
from tandem_dbm.program import Program

UPDATES = 3000  # enough for these examples


def stripes(n, columns, seed=0):
    """Return n rows of 0 and 1 whose neighbours are mostly alike."""
    random = np.random.RandomState(seed)
    flips = (random.rand(n, columns) < 0.15).astype(int)
    flips[:, 0] = random.rand(n) < 0.5
    return (np.cumsum(flips, axis=1) % 2).astype(float)


def states(n):
    """Return all states of n units."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)))


def log_likelihoods(W, b, X):
    """Return the log-likelihoods of examples, by a sum over all states of hidden units."""
    hidden = [states(len(x)) for x in b[1:]]

    def log_sum(V):  # over hidden units, of each row of V
        total = V @ W[0] @ hidden[0].T + hidden[0] @ b[1]  # rows × states of the first layer
        for l in range(1, len(W)):
            upper = hidden[l - 1] @ W[l] @ hidden[l].T + hidden[l] @ b[l + 1]
            total = total + np.logaddexp.reduce(upper, axis=1)
        return V @ b[0] + np.logaddexp.reduce(total, axis=1)

    return log_sum(X) - np.logaddexp.reduce(log_sum(states(len(b[0]))))


def float64(arrays):
    return [x.astype(float) for x in arrays]


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.X = stripes(300, 10)
        cls.rbm = DBM(hidden=5, updates=UPDATES).fit(cls.X)
        cls.deep = DBM(hidden=(5, 4), updates=UPDATES).fit(cls.X)

    def run(self, result=None):
        with warnings.catch_warnings():  # models of few updates have learnt nothing, and say so
            warnings.filterwarnings("ignore", ".*learnt nothing|.*log Z is not to be trusted")
            return super().run(result)

    def test_transform_is_the_posterior(self):
        W, b = self.rbm.model_.W, self.rbm.model_.b
        expected = 1 / (1 + np.exp(-(self.X @ W[0] + b[1])))
        np.testing.assert_allclose(self.rbm.transform(self.X), expected, atol=1e-5)
        self.assertEqual(self.rbm.transform(self.X).dtype, np.float64)
        self.assertEqual(self.rbm.transform(self.X.astype(np.float32)).dtype, np.float32)
        self.assertEqual(self.deep.transform(self.X).shape, (300, 4))

    def test_scores_are_exact_log_likelihoods(self):
        for model in (self.rbm, self.deep):
            expected = log_likelihoods(float64(model.model_.W), float64(model.model_.b), self.X)
            for _ in range(2):  # the second time log Z is known
                np.testing.assert_allclose(model.score_samples(self.X), expected, atol=1e-4)
            self.assertEqual(model.score_kind_, "exact")
            self.assertAlmostEqual(model.score(self.X), expected.mean(), places=4)
            p = np.clip(self.X.mean(axis=0), 0.01, 0.99)
            independent = (self.X * np.log(p) + (1 - self.X) * np.log(1 - p)).sum(axis=1).mean()
            self.assertGreater(model.score(self.X), independent + 1)

    def test_scores_with_an_estimate(self):
        X = stripes(200, 30)
        rbm = DBM(hidden=25, updates=100).fit(X)
        stored = pickle.dumps(rbm)
        scores = rbm.score_samples(X)
        self.assertEqual(rbm.score_kind_, "estimate")
        # log Z is that of the estimator, not of the examples that happen to be scored.
        np.testing.assert_array_equal(rbm.score_samples(X[7:9]), scores[7:9])
        np.testing.assert_array_equal(pickle.loads(stored).score_samples(X[7:9]), scores[7:9])
        again = pickle.loads(pickle.dumps(rbm))
        np.testing.assert_array_equal(again.score_samples(X[::-1]), scores[::-1])
        deep = DBM(hidden=(25, 30), updates=20).fit(X)
        deep.score(X)
        self.assertEqual(deep.score_kind_, "bound")

    def test_probabilities_are_drawn_by_the_example_alone(self):
        X = np.random.RandomState(1).rand(2000, 10)
        X[:, 3], X[:, 4] = 0, 1
        drawn = bits(X, 1)
        self.assertFalse(drawn[:, 3].any())
        self.assertTrue(drawn[:, 4].all())
        self.assertLess(abs(drawn.mean() - X.mean()), 0.01)
        np.testing.assert_array_equal(bits(X[5:9].astype(np.float32), 1), drawn[5:9])
        np.testing.assert_array_equal(bits(X * 16, 16), drawn)
        np.testing.assert_array_equal(self.rbm.score_samples(X), self.rbm.score_samples(drawn))

    def test_same_bits(self):
        for kind in (bool, np.uint8, np.int64, np.float32):
            twin = DBM(hidden=5, updates=UPDATES, threads=2).fit(self.X.astype(kind))
            np.testing.assert_array_equal(twin.model_.W[0], self.rbm.model_.W[0])
        other = DBM(hidden=5, updates=UPDATES, random_state=2).fit(self.X)
        self.assertFalse(np.array_equal(other.model_.W[0], self.rbm.model_.W[0]))
        drawn = DBM(hidden=5, updates=UPDATES, random_state=np.random.RandomState(2)).fit(self.X)
        self.assertFalse(np.array_equal(other.model_.W[0], drawn.model_.W[0]))

    def test_levels(self):
        grey = np.random.RandomState(3).randint(0, 17, (100, 6))
        scaled = DBM(hidden=3, updates=20, levels=16).fit(grey)
        plain = DBM(hidden=3, updates=20).fit(grey / 16)
        np.testing.assert_array_equal(scaled.model_.W[0], plain.model_.W[0])
        np.testing.assert_array_equal(scaled.transform(grey), plain.transform(grey / 16))
        np.testing.assert_allclose(scaled.score_samples(grey), plain.score_samples(grey / 16), atol=1e-6)
        tenths = DBM(hidden=3, updates=20, levels=0.1).fit(grey / 160)  # 0.1 is no float32
        np.testing.assert_allclose(tenths.score_samples(grey / 160), plain.score_samples(grey / 16), atol=0.1)

    def test_samples(self):
        samples = self.rbm.sample(400, seed=5)
        self.assertEqual((samples.shape, samples.dtype), ((400, 10), np.uint8))
        self.assertLessEqual(samples.max(), 1)
        alike = (samples[:, 1:] == samples[:, :-1]).mean()
        self.assertGreater(alike, 0.65)  # 0.85 among the examples, 0.5 among independent units
        np.testing.assert_array_equal(samples, self.rbm.sample(400, seed=5))
        self.assertFalse(np.array_equal(samples, self.rbm.sample(400, seed=6)))
        p = self.rbm.sample(3, probabilities=True)
        self.assertTrue(p.shape == (3, 10) and 0 < p.min() and p.max() < 1)

    def test_partial_fit(self):
        model = DBM(hidden=5, updates=200)
        try:
            first = model.partial_fit(self.X).score(self.X)
            model.partial_fit(self.X)
        except TandemError as error:
            if "no flag --init" in error.message:
                self.skipTest("the program has no train --init yet")
            raise
        for _ in range(2):
            model.partial_fit(self.X)
        self.assertGreater(model.score(self.X), first)
        model.partial_fit(self.X[:1])  # a batch may be small
        with self.assertRaisesRegex(ValueError, "X has 9 features, but DBM is expecting 10 features"):
            model.partial_fit(self.X[:, 1:])
        twin = DBM(hidden=5, updates=200)
        for _ in range(4):
            twin.partial_fit(self.X)
        twin.partial_fit(self.X[:1])
        np.testing.assert_array_equal(model.model_.W[0], twin.model_.W[0])

    def test_load(self):
        with tempfile.TemporaryDirectory() as folder:
            file, run, bare = (os.path.join(folder, name) for name in ("m.npz", "run", "bare.npz"))
            self.deep.model_.save(file)
            data = os.path.join(folder, "x.npz")
            np.savez(data, X=self.X)
            settings = ("--hidden", "5,4", "--updates", UPDATES)
            Program().run(folder, "train", "--data", data + ":X", "--out", run, *settings)
            W, b = self.deep.model_.W, self.deep.model_.b
            np.savez(bare, W1=W[0], W2=W[1], b0=b[0], b1=b[1], b2=b[2])
            for path in (file, run, bare):
                model = load(path)
                self.assertEqual(model.layers, (10, 5, 4))
                self.assertEqual([w.shape for w in model.W], [(10, 5), (5, 4)])
                self.assertEqual([len(x) for x in model.b], [10, 5, 4])
                np.testing.assert_array_equal(model.W[1], W[1])
                np.testing.assert_allclose(model.transform(self.X), self.deep.transform(self.X), atol=1e-6)
                np.testing.assert_allclose(model.score_samples(self.X), self.deep.score_samples(self.X), atol=1e-6)
                self.assertEqual(model.transform(self.X, layers="all").shape, (300, 9))
                self.assertEqual(model.sample(3).shape, (3, 10))
            with open(os.path.join(folder, "no.npz"), "wb") as file:
                file.write(b"no model")
            for name in ("no.npz", "nowhere", "x.npz"):
                with self.assertRaises(TandemError):
                    load(os.path.join(folder, name))

    def test_models_of_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            data, run = os.path.join(folder, "x.npz"), os.path.join(folder, "run")
            np.savez(data, X=(self.X * 255).astype(np.uint8))
            settings = ("--hidden", 5, "--updates", UPDATES)
            Program().run(folder, "train", "--data", data + ":X", "--out", run, *settings)
            model = load(run)
            self.assertEqual(model.levels, 255)
            np.testing.assert_allclose(
                model.score_samples(self.X * 255), self.rbm.score_samples(self.X), atol=1e-6
            )
            with self.assertWarnsRegex(UserWarning, "255 stands for 1"):
                model.transform(self.X)

    def test_bad_examples(self):
        bad = self.X.copy()
        bad[2, 4] = np.nan
        with self.assertRaisesRegex(ValueError, "NaN"):
            DBM().fit(bad)
        with self.assertRaisesRegex(ValueError, "NaN"):
            self.rbm.transform(bad)
        bad[2, 4] = np.inf
        with self.assertRaisesRegex(ValueError, "infinity"):
            self.rbm.score_samples(bad)
        for wrong in (1.5, -0.25, 7):
            bad[2, 4] = wrong
            for call in (DBM(updates=1).fit, DBM(updates=1).partial_fit, self.rbm.transform, self.rbm.score_samples):
                with self.assertRaisesRegex(DataError, "X: example 3, column 5: .* is not between 0 and 1") as caught:
                    call(bad)
                self.assertIsInstance(caught.exception, ValueError)
                self.assertNotIn(tempfile.gettempdir(), str(caught.exception))
        for call in (self.rbm.transform, self.rbm.score_samples):
            with self.assertRaisesRegex(ValueError, "X has 9 features, but DBM is expecting 10 features"):
                call(self.X[:, 1:])
        for shape in ((0, 10), (10,), (3, 0), (2, 5, 2), (1, 10)):
            with self.assertRaises(ValueError):
                DBM(updates=1).fit(np.zeros(shape))
        with self.assertRaises((TypeError, ValueError)):
            DBM(updates=1).fit([["a", "b"], ["c", "d"]])

    def test_bad_calls(self):
        for parameters, says in (
            ({"updates": 0}, "updates"),
            ({"hidden": 0}, "hidden"),
            ({"hidden": (5, 0)}, "hidden"),
            ({"preset": "none"}, "none"),
            ({"learning_rate": "fast"}, "learning-rate"),
            ({"levels": -1}, "levels"),
            ({"settings": {"nothing": 1}}, "--nothing"),
            ({"binary": "/nowhere/tandem"}, "/nowhere/tandem"),
        ):
            with self.subTest(parameters), self.assertRaisesRegex(RuntimeError, says) as caught:
                DBM(**parameters).fit(self.X)
            self.assertIsInstance(caught.exception, TandemError)
            self.assertEqual(pickle.loads(pickle.dumps(caught.exception)).message, caught.exception.message)
        with self.assertRaisesRegex(ValueError, "settings: out"):
            DBM(settings={"out": "here"}).fit(self.X)
        with self.assertRaisesRegex(ValueError, "top"):
            DBM(updates=1, layers="last").fit_transform(self.X)
        with self.assertRaises(ValueError):
            self.rbm.sample(0)
        new = DBM()
        for call in (new.transform, new.score_samples, new.score, lambda X: new.sample(), lambda X: new.score_kind_):
            with self.assertRaises(NotFittedError):
                call(self.X)

    def test_nothing_is_left_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            code = (
                "import numpy as np, os, sys; from tandem_dbm import DBM; X = np.eye(6)\n"
                "m = DBM(hidden=2, updates=2).fit(X); m.transform(X); m.score(X); m.sample()\n"
                "try: m.fit(X * 2)\nexcept ValueError: pass\n"
                "print(os.listdir(sys.argv[1]), os.listdir('.'))"
            )
            with tempfile.TemporaryDirectory() as here:
                environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)}
                command = [sys.executable, "-W", "ignore", "-c", code, folder]
                found = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
            self.assertEqual((found.stdout, found.stderr), ("[] []\n", ""))

    @unittest.skipIf(os.name == "nt", "Windows has no such signals")
    def test_interrupt(self):
        code = (
            "import numpy as np; from tandem_dbm import DBM; X = np.random.RandomState(0).rand(200, 50)\n"
            "try: DBM(hidden=50, updates=10**8, verbose=True).fit(X)\nexcept KeyboardInterrupt: print('stopped')"
        )
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)}
            command = [sys.executable, "-c", code]
            with subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as process:
                self.assertIn("training 50-50", process.stderr.readline())  # of verbose
                process.send_signal(signal.SIGINT)  # to Python alone
                self.assertEqual(process.communicate(timeout=60)[0], "stopped\n")
            self.assertEqual(os.listdir(folder), [])

    def test_without_scikit_learn(self):
        code = (
            "import sys; sys.modules['sklearn'] = None\n"
            "import numpy as np; from tandem_dbm import DBM, NotFittedError; X = np.eye(6)\n"
            "m = DBM(updates=2).set_params(hidden=2)\n"
            "assert m.get_params()['hidden'] == 2 and repr(m) == 'DBM(hidden=2, updates=2)', m\n"
            "assert m.fit_transform(X).shape == (6, 2)\n"
            "try: DBM().transform(X)\nexcept NotFittedError: pass\n"
            "try: m.set_params(a=1)\nexcept ValueError: print('done')"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True
        )
        self.assertEqual((found.stdout, found.stderr), ("done\n", ""))


if __name__ == "__main__":
    unittest.main()
