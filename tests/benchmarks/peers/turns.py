"""What the scripts here share: they keep one work ready and run it for a while when told, as turns.cpp does."""
import sys
import time


def take_turns(work, units=1):
    """Prints `ready`, then answers each line `turn SECONDS` on stdin with `turn SECONDS_PER_UNIT UNITS`.

    In a turn the work is repeated until that time has passed. Nothing is left out: alternate.py does not count the first
    turns, in which things compile.
    @param work runs without arguments, to its end: it must not leave anything to be computed later
    @param units how many units one run of it is
    """
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        runs, passed, start = 0, 0.0, time.perf_counter()
        while passed < seconds:
            work()
            runs += 1
            passed = time.perf_counter() - start
        print(f"turn {passed / (runs * units):.9g} {runs * units:g}", flush=True)
