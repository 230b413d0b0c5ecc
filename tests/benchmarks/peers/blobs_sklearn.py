"""One stage of the tutorial's supervised part in scikit-learn, which cannot go on from it."""
import warnings

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.neural_network import MLPClassifier

from turns import take_turns

warnings.filterwarnings("ignore")
x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
x = x.astype(np.float32)


def run():
    MLPClassifier(hidden_layer_sizes=(10,), solver="sgd", learning_rate_init=0.01, momentum=0.9, nesterovs_momentum=False,
                  alpha=0, batch_size=32, max_iter=100, n_iter_no_change=10**9, tol=0.0).fit(x[:500], y[:500])


take_turns(run)
