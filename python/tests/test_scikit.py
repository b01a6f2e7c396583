"""In scikit-learn: its own checks of estimators, pipelines, searches."""

import pickle
import time
import unittest
import warnings

import numpy as np

from tandem_dbm import DBM, DataError

try:
    from sklearn.base import clone
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, train_test_split
    from sklearn.neural_network import BernoulliRBM
    from sklearn.pipeline import Pipeline
    from sklearn.utils.estimator_checks import check_estimator
except ImportError as error:
    raise unittest.SkipTest(f"scikit-learn is not there: {error}")

# The checks that fail, each with its reason. All others pass.
FAILURES = {
    "check_estimators_dtypes": "its values are from 0 to 20",
    "check_estimators_fit_returns_self": "its values are blobs, moved to begin at 0, up to 20",
    "check_estimators_overwrite_params": "its values are blobs, moved to begin at 0, up to 20",
    "check_pipeline_consistency": "its values are blobs with means from -10 to 10",
    "check_estimators_pickle": "its values are blobs with means from -10 to 10",
    "check_transformer_data_not_an_array": "its values are of standard deviation 1, and moved to begin at 0",
    "check_transformer_general": "its values are of standard deviation 1, and moved to begin at 0",
    "check_transformer_preserve_dtypes": "its values are of standard deviation 1, and moved to begin at 0",
    "check_methods_sample_order_invariance": "its values are from 0 to 3",
    "check_methods_subset_invariance": "its values are from 0 to 3",
    "check_fit2d_1feature": "its values are from 0 to 3",
    "check_fit2d_predict1d": "its values are from 0 to 3",
    "check_dict_unchanged": "its values are from 0 to 2",
    "check_dont_overwrite_parameters": "its values are from 0 to 3",
    "check_fit_idempotent": "its values are normal with mean 100",
    "check_fit_check_is_fitted": "its values are normal with mean 100",
    "check_n_features_in": "its values are normal with mean 100",
}


class Squashed(DBM):
    """A DBM that takes any value, and makes a number from 0 to 1 of it."""

    @staticmethod
    def _squashed(X):
        try:
            values = np.asarray(X, dtype=float)
        except (TypeError, ValueError):
            return X  # for the estimator to reject
        if values.ndim != 2 or not np.isfinite(values).all():
            return X
        squashed = 1 / (1 + np.exp(-values))
        return squashed.astype(np.float32) if getattr(X, "dtype", None) == np.float32 else squashed

    def fit(self, X, y=None):
        return super().fit(self._squashed(X), y)

    def partial_fit(self, X, y=None):
        return super().partial_fit(self._squashed(X), y)

    def transform(self, X):
        return super().transform(self._squashed(X))

    def score_samples(self, X):
        return super().score_samples(self._squashed(X))


def checks(estimator):
    """Yield the name of each check of scikit-learn, and what runs it."""
    for made, check in check_estimator(estimator, generate_only=True):
        yield getattr(check, "func", check).__name__, lambda: check(made)


class Checks(unittest.TestCase):
    def run(self, result=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model of three updates has learnt nothing
            return super().run(result)

    def test_scikit_learns_checks(self):
        failed = set()
        for name, run in checks(DBM(hidden=4, updates=3)):
            with self.subTest(name):
                try:
                    run()
                except (DataError, AssertionError) as error:
                    self.assertIn(name, FAILURES, error)
                    self.assertIn("is not between 0 and 1", str(error))
                    failed.add(name)
        self.assertEqual(failed, set(FAILURES), "expected to fail")

    def test_the_values_alone_are_why_checks_fail(self):
        passed = set()
        for name, run in checks(Squashed(hidden=4, updates=3)):
            if name in FAILURES:
                with self.subTest(name):
                    run()
                    passed.add(name)
        self.assertEqual(passed, set(FAILURES))


class Digits(unittest.TestCase):
    """What users of scikit-learn do, with the digits of 8 × 8 pixels."""

    @classmethod
    def setUpClass(cls):
        X, y = load_digits(return_X_y=True)
        cls.parts = train_test_split(X / 16, y, test_size=0.3, random_state=0)

    def test_pipeline(self):
        X, other, y, expected = self.parts
        updates, batch = 3000, 50
        rbm = BernoulliRBM(64, learning_rate=0.05, batch_size=batch, n_iter=updates * batch // len(X), random_state=0)
        found = {}
        for name, features in (("DBM", DBM(hidden=64, updates=updates)), ("BernoulliRBM", rbm)):
            began = time.perf_counter()
            pipe = Pipeline([("features", features), ("classes", LogisticRegression(max_iter=2000))]).fit(X, y)
            found[name] = pipe.score(other, expected)
            print(f"digits, {name} and logistic regression: accuracy {found[name]:.4f}", end=", ")
            print(f"{time.perf_counter() - began:.1f} s")
        plain = LogisticRegression(max_iter=2000).fit(X, y).score(other, expected)
        print(f"digits, logistic regression of pixels: accuracy {plain:.4f}")
        self.assertGreater(found["DBM"], 0.93)
        self.assertGreater(found["DBM"], found["BernoulliRBM"] - 0.02)

    def test_grid_search(self):
        X, _, y, _ = self.parts
        pipe = Pipeline([("dbm", DBM(updates=300)), ("classes", LogisticRegression(max_iter=500))])
        search = GridSearchCV(pipe, {"dbm__hidden": [8, (48,)]}, cv=2).fit(X[:500], y[:500])
        print("digits, grid search:", search.cv_results_["mean_test_score"])
        self.assertEqual(search.best_params_, {"dbm__hidden": (48,)})
        warnings.filterwarnings("ignore", ".*learnt nothing")
        alone = GridSearchCV(DBM(hidden=8), {"updates": [1, 300]}, cv=2).fit(X[:300])  # by its own score
        self.assertEqual(alone.best_params_, {"updates": 300})

    def test_clones_and_names(self):
        warnings.filterwarnings("ignore", ".*learnt nothing")
        model = DBM(hidden=(6, 4), updates=3, random_state=3, settings={"batch": 20})
        twin = clone(model)
        self.assertEqual(twin.get_params(), model.get_params())
        X = self.parts[0][:100]
        same = model.fit(X).transform(X)
        np.testing.assert_array_equal(same, twin.fit_transform(X))
        np.testing.assert_array_equal(same, pickle.loads(pickle.dumps(model)).transform(X))
        self.assertEqual(list(model.get_feature_names_out()), ["dbm0", "dbm1", "dbm2", "dbm3"])
        both = model.set_params(layers="all")
        self.assertEqual(list(both.get_feature_names_out())[5:7], ["dbm1_5", "dbm2_0"])
        self.assertEqual(both.transform(X).shape, (100, 10))


if __name__ == "__main__":
    unittest.main()
