"""Steps of a 784-300-784 autoencoder (ELU, batches of 150 of 6,000 images, Adam) in Keras."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np

from turns import take_turns

images = np.random.rand(6000, 784).astype(np.float32)
net = keras.Sequential([keras.Input((784,)), keras.layers.Dense(300, activation="elu"), keras.layers.Dense(784)])
net.compile("adam", "mse")
take_turns(lambda: net.fit(images, images, batch_size=150, epochs=1, verbose=0), units=40)
