"""What today's Keras makes of the tutorial's supervised script, which freezes layers without compiling again.

    pip install keras tensorflow scikit-learn
    python3 keras_frozen_layers.py              as the tutorial has it: compiled once
    python3 keras_frozen_layers.py recompile    compiled again after every change, as the text means it

For each number of layers: the accuracies that evaluate() prints, the accuracy of the network itself, called on the same
test rows, and how far the first (frozen) layer and the new layer moved during the fit.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.layers import Dense
from sklearn.datasets import make_blobs

recompile = sys.argv[1:] == ["recompile"]
keras.utils.set_random_seed(1)
points, labels = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
one_hot = keras.utils.to_categorical(labels)
train, test = slice(0, 500), slice(500, 1000)


def compile_model():
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
                  metrics=["accuracy"])


def hidden():
    return Dense(10, activation="relu", kernel_initializer="he_uniform")


def weights(layer):
    return layer.get_weights()[0].copy()


def report(first_moved, new_moved):
    accuracy = [model.evaluate(points[rows], one_hot[rows], verbose=0)[1] for rows in (train, test)]
    called = (np.asarray(model(points[test])).argmax(1) == labels[test]).mean()
    print(f"layers={len(model.layers)} evaluate: train={accuracy[0]:.3f} test={accuracy[1]:.3f}  "
          f"called: test={called:.3f}  first layer moved {first_moved:.3f}, new layer {new_moved:.3f}", flush=True)


print("Keras", keras.__version__, "on", keras.backend.backend())
model = keras.Sequential([keras.Input((2,)), hidden(), Dense(3, activation="softmax")])
compile_model()
start = weights(model.layers[0])
model.fit(points[train], one_hot[train], epochs=100, verbose=0)
moved = np.abs(weights(model.layers[0]) - start).max()
report(moved, moved)
for _ in range(10):
    head = model.layers[-1]
    model.pop()
    for layer in model.layers:
        layer.trainable = False
    new = hidden()
    model.add(new)
    model.add(head)
    if recompile:
        compile_model()
    first, fresh = weights(model.layers[0]), weights(new)
    model.fit(points[train], one_hot[train], epochs=100, verbose=0)
    report(np.abs(weights(model.layers[0]) - first).max(), np.abs(weights(new) - fresh).max())
