"""Boltzmann machines by the program tandem.

DBM is an estimator for scikit-learn, which it does not need. load opens a trained model. Both
run the program tandem, which must be there: as the argument binary, as the environment variable
TANDEM, or on the PATH.
"""

from .estimator import DBM
from .fitted import NotFittedError
from .model import Model, load
from .program import DataError, TandemError

__all__ = ["DBM", "DataError", "Model", "NotFittedError", "TandemError", "load"]
__version__ = "0.4.0"
