"""What `mnist_autoencoder` does by default, in JAX as a strong user writes it: two phases of four epochs, each epoch one
compiled `lax.scan`, Adam with L2 on the weights, the codes of the second phase computed once, the same evaluations. The whole
process is timed, compilation and all.

    python3 mnist_autoencoder_jax.py FOLDER_WITH_MNIST
"""
import gzip
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_platform_name", "cpu")
folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(1)
elu = jax.nn.elu


def images(name):
    path = next(p for p in (folder / name, folder / (name + ".gz")) if p.exists())
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255


def layer(key, inputs, outputs):
    """Variance scaling: a normal distribution cut off at two standard deviations has a variance of 1 / 1.3."""
    return jax.random.truncated_normal(key, -2, 2, (inputs, outputs)) * (2.6 / inputs) ** 0.5, jnp.zeros(outputs)


def linear(layer, x):
    w, b = layer
    return x @ w + b


def on_pixels(layers, x):
    return linear(layers[1], elu(linear(layers[0], x)))


def on_codes(layers, x):
    return elu(on_pixels(layers, x))


def mean_squared_error(net):
    return jax.jit(lambda layers, x: jnp.mean((net(layers, x) - x) ** 2))


def epoch_of(net):
    def loss(layers, x):
        return jnp.mean((net(layers, x) - x) ** 2) + 5e-5 * sum(jnp.sum(w ** 2) for w, _ in layers)

    @jax.jit
    def epoch(state, x, batches):
        def step(state, rows):
            p, m, v, t = state
            g = jax.grad(loss)(p, x[rows])
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            p = jax.tree.map(lambda p, m, v: p - 0.01 * (m / (1 - 0.9 ** t)) / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8),
                             p, m, v)
            return (p, m, v, t), None

        return jax.lax.scan(step, state, batches)[0]

    return epoch


def fit(net, layers, parts, steps):
    """@returns the layers trained, and how many steps Adam has taken: its count goes on through the phases"""
    x, validation = parts[0], parts[1]
    epoch, mse = epoch_of(net), mean_squared_error(net)
    zeros = jax.tree.map(jnp.zeros_like, layers)
    state = layers, zeros, zeros, steps
    float(mse(layers, validation))
    for number in range(4):
        batches = random.permutation(len(x))[:len(x) // 150 * 150].reshape(-1, 150)
        state = epoch(state, x, batches)
        print(number, "Train MSE:", float(mse(state[0], x[batches[-1]])))
        float(mse(state[0], validation))
    print([float(mse(state[0], part)) for part in parts])
    return state[0], state[3]


train = images("train-images-idx3-ubyte")
parts = [jnp.asarray(part) for part in (train[5000:], train[:5000], images("t10k-images-idx3-ubyte"))]
keys = jax.random.split(jax.random.PRNGKey(1), 4)
outer, steps = fit(on_pixels, (layer(keys[0], 784, 300), layer(keys[3], 300, 784)), parts, jnp.float32(0))
encode = jax.jit(lambda x: elu(linear(outer[0], x)))
inner, _ = fit(on_codes, (layer(keys[1], 300, 150), layer(keys[2], 150, 300)), [encode(part) for part in parts], steps)
whole = mean_squared_error(lambda layers, x: linear(layers[0][1], on_codes(layers[1], elu(linear(layers[0][0], x)))))
errors = [float(whole((outer, inner), part)) for part in parts]
print("Test MSE:", errors)
assert 0.0085 < errors[2] < 0.0115, errors
