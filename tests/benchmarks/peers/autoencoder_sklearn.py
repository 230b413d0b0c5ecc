"""Steps of a 784-300-784 autoencoder (ReLU, batches of 150 of 6,000 images, Adam) in scikit-learn, which
has no ELU."""
import warnings

import numpy as np
from sklearn.neural_network import MLPRegressor

from turns import take_turns

warnings.filterwarnings("ignore")
images = np.random.rand(6000, 784).astype(np.float32)


def run():
    MLPRegressor(hidden_layer_sizes=(300,), solver="adam", batch_size=150, max_iter=2, n_iter_no_change=10**9,
                 tol=0.0).fit(images, images)


take_turns(run, units=80)
