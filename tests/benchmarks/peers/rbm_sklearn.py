"""Epochs of scikit-learn's BernoulliRBM, 784 and 1,000 units, 6,000 images, batches of the size given."""
import sys

import numpy as np
from sklearn.neural_network import BernoulliRBM

from turns import take_turns

size = int(sys.argv[1])
images = np.random.rand(6000, 784).astype(np.float32)


def run():
    BernoulliRBM(n_components=1000, learning_rate=.01, batch_size=size, n_iter=1).fit(images)


take_turns(run, units=6000 // size)
