"""The examples of docs/python.md run."""

import os
import re
import unittest
import warnings

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "python.md")


class Document(unittest.TestCase):
    def test_examples(self):
        try:
            import sklearn  # noqa: F401
        except ImportError as error:
            self.skipTest(f"scikit-learn is not there: {error}")
        with open(DOCUMENT, encoding="utf-8") as file:
            blocks = re.findall(r"```python\n(.*?)```", file.read(), re.DOTALL)
        self.assertGreaterEqual(len(blocks), 3)
        names = {}
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            for block in blocks:
                exec(compile(block, DOCUMENT, "exec"), names)
        self.assertGreater(names["accuracy"], 0.9)
        self.assertIn(names["search"].best_params_["dbm__hidden"], (16, 64))


if __name__ == "__main__":
    unittest.main()
