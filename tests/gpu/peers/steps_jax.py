"""Steps of an autoencoder with one hidden layer (ELU, Adam) in JAX on CUDA, for run.sh: an epoch is one compiled
`lax.scan`.

    python3 steps_jax.py fp32|tf32|bf16 INPUTS HIDDEN BATCH ROWS
"""
import os
import sys

os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "benchmarks", "peers"))
from turns import take_turns  # noqa: E402

inputs, hidden, batch, rows = map(int, sys.argv[2:6])
jax.config.update("jax_default_matmul_precision", {"fp32": "float32", "tf32": "tensorfloat32", "bf16": "bfloat16"}[sys.argv[1]])
images = jnp.asarray(np.random.rand(rows, inputs).astype(np.float32))
keys = jax.random.split(jax.random.PRNGKey(0), 2)
parameters = [jax.random.normal(keys[0], (inputs, hidden)) * .05, jnp.zeros(hidden),
              jax.random.normal(keys[1], (hidden, inputs)) * .05, jnp.zeros(inputs)]
steps = rows // batch


def loss(p, x):
    return jnp.mean((jax.nn.elu(x @ p[0] + p[1]) @ p[2] + p[3] - x) ** 2)


@jax.jit
def epoch(state, order):
    def step(state, chosen):
        p, m, v, t = state
        g = jax.grad(loss)(p, images[chosen])
        t = t + 1
        m = jax.tree.map(lambda m, g: .9 * m + .1 * g, m, g)
        v = jax.tree.map(lambda v, g: .999 * v + .001 * g * g, v, g)
        p = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / (1 - .9 ** t)) /
                         (jnp.sqrt(v / (1 - .999 ** t)) + 1e-8), p, m, v)
        return (p, m, v, t), None

    return jax.lax.scan(step, state, order.reshape(-1, batch))[0]


zeros = jax.tree.map(jnp.zeros_like, parameters)
state = (parameters, zeros, zeros, 0.)


def run():
    global state
    state = jax.block_until_ready(epoch(state, np.random.permutation(rows)[:steps * batch]))


take_turns(run, units=steps)
