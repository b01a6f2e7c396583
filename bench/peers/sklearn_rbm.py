"""A peer: scikit-learn's RBM, 784-500, batch 50, by persistent contrastive
divergence with one sweep, as tandem's with one hidden layer.

    python3 sklearn_rbm.py IMAGES

IMAGES is a plain IDX file. It prints updates per second over an epoch."""
import sys
import time

import numpy as np
from sklearn.neural_network import BernoulliRBM

pixels = np.fromfile(sys.argv[1], np.uint8, offset=16).reshape(-1, 784)
examples = pixels.astype(np.float32) / 255
examples = examples[:len(examples) // 3]
rbm = BernoulliRBM(n_components=500, batch_size=50, learning_rate=0.01, n_iter=1, random_state=1)
begun = time.perf_counter()
rbm.fit(examples)
print(f"{len(examples) / 50 / (time.perf_counter() - begun):.2f}")
