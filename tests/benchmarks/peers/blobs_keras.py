"""The tutorial's supervised part in Keras as it is written there, compiled in each stage: without that,
today's Keras goes on training the network of the first stage."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
from keras.layers import Dense
from sklearn.datasets import make_blobs

from timing import best_of, quick, tell

x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
y = keras.utils.to_categorical(y)
stages = 3 if quick() else 11


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
        net.evaluate(x[:500], y[:500], verbose=0)
        net.evaluate(x[500:], y[500:], verbose=0)


tell("blobs run", "Keras" + ("" if stages == 11 else ", 3 stages scaled"), best_of(1, run) * 11 / stages)
