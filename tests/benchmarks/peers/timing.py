"""What the scripts here share: how a work is timed, and how its time is told."""
import sys
import time


def best_of(runs, work):
    """The shortest of so many runs, in seconds: what is left when nothing else disturbs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def tell(work, who, seconds):
    """A line that compare.sh collects."""
    print(f"{work}\t{who}\t{seconds:.9f}", flush=True)


def quick():
    return "--quick" in sys.argv
