"""Writes random_state.json and blobs.json: what NumPy's RandomState and scikit-learn's make_blobs give.

    pip install -r requirements.txt && python3 make_random_fixtures.py

JSON keeps float64 exactly: Python writes the shortest digits that read back as the same number.
"""
import json
import pathlib

import numpy as np
from sklearn.datasets import make_blobs

HERE = pathlib.Path(__file__).parent


def draws(seed):
    """One stream used in turn for everything, so that cached Gaussians and word positions matter."""
    random = np.random.RandomState(seed)
    shuffled = np.arange(100, 117)
    return {
        "seed": seed,
        "random_sample": random.random_sample(5).tolist(),
        "normal_odd": random.normal(1.5, 2.25, 3).tolist(),
        "uniform": random.uniform(-3.0, 5.5, 4).tolist(),
        "normal_after": random.normal(0.0, 1.0, 2).tolist(),
        "permutation": random.permutation(33).tolist(),
        "shuffle": (random.shuffle(shuffled), shuffled.tolist())[1],
        "permutation_of_1": random.permutation(1).tolist(),
        "permutation_of_0": random.permutation(0).tolist(),
        "uniform_reversed": random.uniform(2.0, -2.0, 2).tolist(),
        "normal_scale_0": random.normal(4.0, 0.0, 1).tolist(),
        "skip_1000_then": (random.random_sample(1000), random.random_sample(3).tolist())[1],
    }


SEEDS = [0, 1, 2, 42, 123456789, 2**31, 2**32 - 1,
         [0], [7], [1, 0, 0], [1, 0, 1], [1, 0, 2], [2**32 - 1, 3, 1], list(range(700))]

BLOBS = [
    dict(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2),  # the tutorial's
    dict(n_samples=100, random_state=0),
    dict(n_samples=1, random_state=3),
    dict(n_samples=2, centers=5, random_state=3),  # fewer points than centres
    dict(n_samples=10, centers=3, random_state=1),
    dict(n_samples=11, centers=3, random_state=1),
    dict(n_samples=25, centers=1, random_state=9),
    dict(n_samples=30, centers=4, n_features=1, random_state=4),
    dict(n_samples=31, centers=4, n_features=7, random_state=4),
    dict(n_samples=[3, 0, 5], random_state=5),
    dict(n_samples=[7], random_state=5),
    dict(n_samples=[2, 4, 6, 8], n_features=3, cluster_std=[0.1, 1, 2, 3], random_state=6),
    dict(n_samples=20, centers=[[0.0, 0.5], [10.0, -3.25], [7.0, 7.0]], random_state=7),
    dict(n_samples=[4, 9], centers=[[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]], cluster_std=[0.5, 0.25], random_state=8),
    dict(n_samples=17, centers=2, cluster_std=0.0, random_state=10),
    dict(n_samples=18, centers=3, cluster_std=[1.0, 0.5, 4.0], random_state=11),
    dict(n_samples=19, centers=3, center_box=(0.0, 1.0), random_state=12),
    dict(n_samples=19, centers=3, center_box=(-250.0, 3.5), random_state=12),
    dict(n_samples=21, centers=3, shuffle=False, random_state=13),
    dict(n_samples=[5, 2, 1], cluster_std=3.5, shuffle=False, random_state=14),
    dict(n_samples=50, centers=6, n_features=5, cluster_std=1.7, random_state=2**32 - 1),
    dict(n_samples=50, centers=6, n_features=5, cluster_std=1.7, random_state=2**31),
    dict(n_samples=333, centers=4, n_features=3, cluster_std=1.3, random_state=5),
]


def blobs(options):
    points, labels, centers = make_blobs(**options, return_centers=True)
    return {"options": options, "points": points.tolist(), "labels": labels.tolist(),
            "drawn_centers": np.asarray(centers).tolist()}


def write(name, cases):
    (HERE / name).write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


write("random_state.json", [draws(seed) for seed in SEEDS])
write("blobs.json", [blobs(options) for options in BLOBS])
