"""What `blobs_supervised --repeats 1000 --threads 2` does, in JAX: the tutorial's supervised part from many seeds, scored after
every stage. The whole process is timed, compilation and all.

    python3 blobs_study_jax.py [--repeats N] [--lanes N] [--processes N]

--lanes N sends N repeats side by side through a `vmap` of each stage; without it, one follows the other, each stage a
compiled program, in as many processes as --processes says."""
import argparse
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--repeats", type=int, default=1000)
parser.add_argument("--lanes", type=int, default=0)
parser.add_argument("--processes", type=int, default=1)
parser.add_argument("--first", type=int, default=0, help="the first seed")
options = parser.parse_args()


def study(first, repeats, lanes):
    import jax
    import numpy as np

    from blobs_model_jax import procedure

    jax.config.update("jax_platform_name", "cpu")
    run = procedure(lanes)
    results = [run(jax.random.PRNGKey(first + k)) for k in range(repeats // max(lanes, 1))]
    results = np.array(results).reshape(len(results), 11, 2, -1)  # [runs, stages, train and test, lanes]
    test_accuracy = results[:, -1, 1].mean()
    assert results[:, 0, 0].size == repeats and 0.8 < test_accuracy < 0.85, (results.shape, test_accuracy)
    print(f"{repeats} repeats, mean test accuracy at 12 layers {test_accuracy:.4f}")


if options.repeats % max(options.lanes, 1) or options.repeats % options.processes:
    parser.error("the repeats must be a multiple of the lanes and of the processes")
if options.processes == 1:
    study(options.first, options.repeats, options.lanes)
else:
    share = options.repeats // options.processes
    parts = [subprocess.Popen([sys.executable, __file__, "--repeats", str(share), "--lanes", str(options.lanes),
                               "--first", str(k * share)]) for k in range(options.processes)]
    sys.exit(max([part.wait() for part in parts]))
