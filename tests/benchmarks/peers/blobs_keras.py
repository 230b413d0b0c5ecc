"""The tutorial's supervised part in Keras as it is written there, compiled in each stage: without that,
today's Keras goes on training the network of the first stage.

    python3 blobs_keras.py [STAGES]     the first so many of the eleven, their time scaled to eleven"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
from keras.layers import Dense
from sklearn.datasets import make_blobs

from turns import take_turns

x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
x, y = x.astype(np.float32), keras.utils.to_categorical(y)
stages = int(sys.argv[1]) if len(sys.argv) > 1 else 11


def run():
    net = keras.Sequential([keras.Input((2,)),
                            Dense(10, activation="relu", kernel_initializer="he_uniform"),
                            Dense(3, activation="softmax")])
    for stage in range(stages):
        if stage > 0:
            output = net.layers[-1]
            net.pop()
            for layer in net.layers:
                layer.trainable = False
            net.add(Dense(10, activation="relu", kernel_initializer="he_uniform"))
            net.add(output)
        net.compile(loss="categorical_crossentropy", metrics=["accuracy"],
                    optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9))
        net.fit(x[:500], y[:500], epochs=100, verbose=0)
        scores = [net.evaluate(x[part], y[part], verbose=0) for part in (slice(500), slice(500, 1000))]
    assert 0.75 < scores[1][1] < 0.9, scores


take_turns(run, stages / 11)
