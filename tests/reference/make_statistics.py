"""Writes statistics.json: samples and what SciPy says about them, for the test of layerwise::study's statistics.

    python3 make_statistics.py > statistics.json     # needs NumPy and SciPy (1.17.1 wrote the file)
"""
import json
import sys

import numpy as np
from scipy import stats

random = np.random.RandomState(7)


def sample(count, difference, digits):
    a = np.round(random.normal(0.82, 0.01, count), digits)
    b = np.round(a - random.normal(difference, 0.006, count), digits)
    d = a - b
    margin = 0.01
    low, high = stats.t.interval(0.95, count - 1, d.mean(), stats.sem(d))
    return {
        "a": a.tolist(), "b": b.tolist(), "margin": margin,
        "mean": d.mean(), "low": low, "high": high,
        "p_difference": stats.ttest_rel(a, b).pvalue,
        # Each side at .025, so that the pair agrees with the 95% interval.
        "p_equivalence": min(1, 2 * max(stats.ttest_1samp(d, margin, alternative="less").pvalue,
                                        stats.ttest_1samp(d, -margin, alternative="greater").pvalue)),
        "quantiles": np.quantile(a, [0.025, 0.5, 0.975]).tolist(),
        "percentile": stats.percentileofscore(a, a[0], kind="mean") / 100,
    }


def share(count, total):
    interval = stats.binomtest(count, total).proportion_ci(0.95, "wilson")
    return {"count": count, "total": total, "low": interval.low, "high": interval.high}


json.dump({
    "pairs": [sample(12, 0.002, 3), sample(100, 0.012, 3), sample(5, 0.0, 6)],
    "shares": [share(22, 100), share(0, 20), share(20, 20), share(1, 200), share(1, 1)],
}, sys.stdout, indent=1)
print()
