"""The base classes of estimators: those of scikit-learn, or what stands in for them."""

import inspect

__all__ = ["BaseEstimator", "NotFittedError", "TransformerMixin"]

try:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.exceptions import NotFittedError
except ImportError:

    class NotFittedError(ValueError, AttributeError):
        """A model is used before it is fitted."""

    class BaseEstimator:
        """Parameters of an estimator are the arguments of its constructor."""

        @classmethod
        def _names(cls):
            return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

        def get_params(self, deep=True):
            """Return the parameters by name."""
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **params):
            """Set parameters by name, and return the estimator."""
            for name, value in params.items():
                if name not in self._names():
                    raise ValueError(
                        f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {self._names()!r}."
                    )
                setattr(self, name, value)
            return self

        def __repr__(self):
            defaults = inspect.signature(type(self).__init__).parameters
            changed = [
                f"{name}={value!r}"
                for name, value in self.get_params().items()
                if repr(value) != repr(defaults[name].default)
            ]
            return f"{type(self).__name__}({', '.join(changed)})"

    class TransformerMixin:
        """fit_transform, from fit and transform."""

        def fit_transform(self, X, y=None, **params):
            """Fit to X, and return what transform makes of X."""
            return self.fit(X, y, **params).transform(X)
