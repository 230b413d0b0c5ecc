"""The tutorial's supervised part in JAX: what one run, blobs_jax.py, and many, blobs_study_jax.py, have in common. A stage is
one compiled program of `lax.scan`s over its epochs and steps, on the features of the frozen layers."""
import jax
import jax.numpy as jnp
from sklearn.datasets import make_blobs

STAGES = 11
EPOCHS = 100


def data():
    """@returns inputs and labels of the training rows, then of the test rows"""
    x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
    x, y = jnp.asarray(x, jnp.float32), jnp.asarray(y)
    return x[:500], y[:500], x[500:], y[500:]


def uniform(key, inputs, outputs, fans):
    limit = (6 / fans) ** 0.5
    return jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit)


def hidden_layer(key, inputs):
    return uniform(key, inputs, 10, inputs), jnp.zeros(10)


def head(key):
    return uniform(key, 10, 3, 13), jnp.zeros(3)


def hidden(layer, features):
    w, b = layer
    return jax.nn.relu(features @ w + b)


def logits(parameters, features):
    layer, (v, c) = parameters
    return hidden(layer, features) @ v + c


def loss(parameters, features, labels):
    log_shares = jax.nn.log_softmax(logits(parameters, features))
    return -jnp.mean(log_shares[jnp.arange(len(labels)), labels])


def accuracy(parameters, features, labels):
    return jnp.mean(jnp.argmax(logits(parameters, features), 1) == labels)


def fit(parameters, features, labels, key):
    """A stage: in each epoch 15 batches of 32 and one of 20, SGD with momentum."""
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
    return jax.lax.scan(epoch, state, jax.random.split(key, EPOCHS))[0][0]


def procedure(lanes=0):
    """All stages, each compiled at its first run.

    @param lanes how many repeats go side by side through a `vmap`; none if 0
    @returns a function of a key that returns for each stage the train and the test accuracies, computed
    """
    def each(function, *axes):
        return jax.jit(jax.vmap(function, axes) if lanes else function)

    def keys_of(key):
        return jax.random.split(key, lanes) if lanes else key

    x_train, y_train, x_test, y_test = data()
    if lanes:
        x_train, x_test = (jnp.broadcast_to(x, (lanes, *x.shape)) for x in (x_train, x_test))
    first_layer = each(lambda key: hidden_layer(key, 2), 0)
    next_layer = each(lambda key: hidden_layer(key, 10), 0)
    first_head = each(head, 0)
    fit_each = each(fit, 0, 0, None, 0)
    accuracy_of_each = each(accuracy, 0, 0, None)
    features_of_each = each(hidden, 0, 0)

    def run(key):
        keys = jax.random.split(key, 2 + 2 * STAGES)
        parameters = first_layer(keys_of(keys[0])), first_head(keys_of(keys[1]))
        train, test, accuracies = x_train, x_test, []
        for stage in range(STAGES):
            parameters = fit_each(parameters, train, y_train, keys_of(keys[2 + stage]))
            accuracies.append((accuracy_of_each(parameters, train, y_train), accuracy_of_each(parameters, test, y_test)))
            layer, output = parameters
            train, test = features_of_each(layer, train), features_of_each(layer, test)
            parameters = next_layer(keys_of(keys[2 + STAGES + stage])), output
        return jax.block_until_ready(accuracies)

    return run
