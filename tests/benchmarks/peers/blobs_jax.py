"""The tutorial's supervised part in JAX, as a strong user writes it: a stage is one compiled program of
`lax.scan`s over its epochs and steps, on the features of the frozen layers, which are computed once.
Compilation is not timed."""
import functools

import jax
import jax.numpy as jnp
from sklearn.datasets import make_blobs

from timing import best_of, tell

jax.config.update("jax_platform_name", "cpu")
x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
x, y = jnp.asarray(x, jnp.float32), jnp.asarray(y)
x_train, x_test, y_train, y_test = x[:500], x[500:], y[:500], y[500:]


def he_uniform(key, inputs, outputs):
    limit = jnp.sqrt(6 / inputs)
    return jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit)


def glorot_uniform(key, inputs, outputs):
    limit = jnp.sqrt(6 / (inputs + outputs))
    return jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit)


def logits(parameters, features):
    (w, b), (v, c) = parameters
    return jax.nn.relu(features @ w + b) @ v + c


def loss(parameters, features, labels):
    log_shares = jax.nn.log_softmax(logits(parameters, features))
    return -jnp.mean(log_shares[jnp.arange(len(labels)), labels])


@functools.partial(jax.jit, static_argnames="epochs")
def fit(parameters, features, labels, key, epochs=100):
    def step(state, rows):
        parameters, velocity = state
        gradient = jax.grad(loss)(parameters, features[rows], labels[rows])
        velocity = jax.tree.map(lambda v, g: 0.9 * v - 0.01 * g, velocity, gradient)
        return (jax.tree.map(jnp.add, parameters, velocity), velocity), None

    def epoch(state, key):
        order = jax.random.permutation(key, 500)
        state, _ = jax.lax.scan(step, state, order[:480].reshape(15, 32))
        return step(state, order[480:])[0], None

    state = (parameters, jax.tree.map(jnp.zeros_like, parameters))
    return jax.lax.scan(epoch, state, jax.random.split(key, epochs))[0][0]


@jax.jit
def accuracy(parameters, features, labels):
    return jnp.mean(jnp.argmax(logits(parameters, features), 1) == labels)


def run(seed):
    keys = jax.random.split(jax.random.PRNGKey(seed), 30)
    head = (glorot_uniform(keys[1], 10, 3), jnp.zeros(3))
    parameters = ((he_uniform(keys[0], 2, 10), jnp.zeros(10)), head)
    train, test, accuracies = x_train, x_test, []
    for stage in range(11):
        parameters = fit(parameters, train, y_train, keys[2 + stage])
        accuracies.append((accuracy(parameters, train, y_train), accuracy(parameters, test, y_test)))
        (w, b), head = parameters
        train, test = jax.nn.relu(train @ w + b), jax.nn.relu(test @ w + b)
        parameters = ((he_uniform(keys[14 + stage], 10, 10), jnp.zeros(10)), head)
    return jax.block_until_ready(accuracies)


last = run(0)[-1]
assert 0.75 < float(last[1]) < 0.9, last
tell("blobs run", "JAX scan", best_of(5, lambda: run(1)))
