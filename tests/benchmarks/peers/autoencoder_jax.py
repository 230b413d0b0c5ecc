"""Steps of a 784-300-784 autoencoder (ELU, batches of 150 of 6,000 images, Adam) in JAX: an epoch is one
compiled `lax.scan`."""
import jax
import jax.numpy as jnp
import numpy as np

from turns import take_turns

jax.config.update("jax_platform_name", "cpu")
images = jnp.asarray(np.random.rand(6000, 784).astype(np.float32))
keys = jax.random.split(jax.random.PRNGKey(0), 2)
parameters = [jax.random.normal(keys[0], (784, 300)) * .05, jnp.zeros(300),
              jax.random.normal(keys[1], (300, 784)) * .05, jnp.zeros(784)]


def loss(p, x):
    return jnp.mean((jax.nn.elu(x @ p[0] + p[1]) @ p[2] + p[3] - x) ** 2)


@jax.jit
def epoch(state, order):
    def step(state, rows):
        p, m, v, t = state
        g = jax.grad(loss)(p, images[rows])
        t = t + 1
        m = jax.tree.map(lambda m, g: .9 * m + .1 * g, m, g)
        v = jax.tree.map(lambda v, g: .999 * v + .001 * g * g, v, g)
        p = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / (1 - .9 ** t)) /
                         (jnp.sqrt(v / (1 - .999 ** t)) + 1e-8), p, m, v)
        return (p, m, v, t), None

    return jax.lax.scan(step, state, order.reshape(-1, 150))[0]


zeros = jax.tree.map(jnp.zeros_like, parameters)
state = (parameters, zeros, zeros, 0.)


def run():
    global state
    state = jax.block_until_ready(epoch(state, np.random.permutation(6000)))


take_turns(run, units=40)
