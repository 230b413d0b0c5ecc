"""The statistics of compare.sh: from times to medians, ratios and their intervals, the same for every contender.

    python3 ratios.py SAMPLES         prints a table of the file that alternate.py wrote
    python3 ratios.py --self-check    checks the statistics on made-up numbers

The time of a contender is the median over its turns. A ratio is the median of the ratios of turns of the same cycle, which
are adjacent in time: what slows the machine for longer than a cycle slows both and cancels. The interval is that of the
median by order statistics: of n values in order, the k-th and the (n + 1 - k)-th, with the largest k for which the binomial
distribution (n, 1/2) gives at least 95%. It assumes no distribution, but that turns are independent. Below six values
there is no such k, and the range is shown instead.
"""
import collections
import math
import statistics
import sys

OURS = "layerwise"
REFERENCES = (OURS, OURS + ", bf16")
LEVEL = 0.95


def interval_rank(n, level=LEVEL):
    """@returns k, from 1, and the coverage of the interval from the k-th to the (n + 1 - k)-th value; None below six values"""
    best = None
    below = 0
    for k in range(1, n // 2 + 1):
        below += math.comb(n, k - 1)
        coverage = 1 - 2 * below / 2**n
        if coverage < level:
            break
        best = k, coverage
    return best


Summary = collections.namedtuple("Summary", "count median low high coverage")


def summarize(values):
    """The median with its interval, or with the range and no coverage where there are too few values."""
    ordered = sorted(values)
    rank = interval_rank(len(ordered))
    k, coverage = rank or (1, None)
    return Summary(len(ordered), statistics.median(ordered), ordered[k - 1], ordered[-k], coverage)


def ratios_of(theirs, ours):
    """How many times longer they took, cycle by cycle.

    @param theirs, ours seconds by cycle
    """
    return [seconds / ours[cycle] for cycle, seconds in theirs.items() if cycle in ours]


def seconds_text(value):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{three_digits(value / size)} {unit}"
    return f"{three_digits(value / 1e-9)} ns"


def three_digits(value):
    """Three significant digits, without an exponent."""
    value = float(f"{value:.3g}")
    decimals = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 2
    return f"{value:.{decimals}f}"


def summary_text(summary, form):
    middle, low, high = form(summary.median), form(summary.low), form(summary.high)
    if summary.count == 1:
        return middle
    return f"{middle} [{low}, {high}]" if summary.coverage else f"{middle} ({low} .. {high})"


def read_samples(lines):
    """@returns seconds by work, contender and cycle; the comments, each once"""
    times = collections.defaultdict(lambda: collections.defaultdict(dict))
    comments = {}
    for line in lines:
        line = line.rstrip("\n")
        if line.startswith("# "):
            comments[line[2:]] = None
        elif line:
            work, cycle, who, seconds = line.split("\t")
            times[work][who][int(cycle)] = float(seconds)
    return times, list(comments)


def table(times):
    rows = [("work", "who", "n", "time", *("times " + who for who in REFERENCES))]
    for work, by in times.items():
        summaries = {who: summarize(values.values()) for who, values in by.items()}
        for who in sorted(by, key=lambda who: (who != OURS, not who.startswith(OURS), summaries[who].median)):
            summary = summaries[who]
            row = [work, who, str(summary.count), summary_text(summary, seconds_text)]
            for reference in REFERENCES:
                ratios = [] if who == reference else ratios_of(by[who], by.get(reference, {}))
                row.append(summary_text(summarize(ratios), three_digits) if ratios else "")
            rows.append(row)
    return rows


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def explain(times):
    counts = sorted({len(cycles) for by in times.values() for cycles in by.values()}, reverse=True)
    print("\ntime: median over n turns (a whole process is one); times: median of the ratios of turns of the same cycle.")
    for n in counts:
        rank = interval_rank(n)
        if rank:
            k, coverage = rank
            print(f"[low, high] of {n}: distribution-free interval of the median, values {k} and {n + 1 - k} in order "
                  f"({100 * coverage:.1f}%)")
        elif n > 1:
            print(f"(least .. greatest) of {n}: the range; an interval of {LEVEL:.0%} needs six")


def self_check():
    def same(got, wanted, what):
        if got != wanted and not (isinstance(wanted, float) and math.isclose(got, wanted, rel_tol=1e-9)):
            raise AssertionError(f"{what}: {got}, not {wanted}")

    # Tables of the sign test: n, k and coverage.
    for n, k, coverage in ((6, 1, 0.9688), (10, 2, 0.9785), (20, 6, 0.9586), (30, 10, 0.9572), (100, 40, 0.9648)):
        rank, exact = interval_rank(n)
        same((rank, round(exact, 4)), (k, coverage), f"interval of {n}")
    for n in range(6):
        same(interval_rank(n), None, f"rank of {n}")

    thirty = summarize(reversed(range(1, 31)))
    same((thirty.median, thirty.low, thirty.high), (15.5, 10, 21), "interval of 1 to 30")
    outlier = summarize([1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02, 1.15, 100.0])
    same((outlier.median, outlier.low, outlier.high), (1.02, 0.95, 1.15), "one outlier of nine")
    same(summarize([3.0, 1.0, 2.0])[1:], (2.0, 1.0, 3.0, None), "range of three")

    # A machine that slows down tenfold, cycle by cycle: twice as long is twice as long all the same, also where one of the
    # two took part in some cycles only.
    slow = [1 + 0.3 * cycle for cycle in range(30)]
    ours = dict(enumerate(slow))
    ratios = ratios_of({cycle: 2 * slow[cycle] for cycle in range(0, 30, 5)}, ours)
    same(len(ratios), 6, "ratios of the cycles of both")
    for bound in summarize(ratios)[1:4]:
        same(bound, 2.0, "ratio on a machine that slows down")

    # The interval covers the true median as often as it says: exactly, by counting the signs of all outcomes of eight.
    k, coverage = interval_rank(8)
    covered = sum(k <= bin(signs).count("1") <= 8 - k for signs in range(2**8)) / 2**8
    same(covered, coverage, "coverage by counting")

    lines = ["w\t0\tlayerwise\t2e-3\n", "w\t0\tJAX\t1e-3\n", "# missing: x\n", "# missing: x\n"]
    times, comments = read_samples(lines)
    same(comments, ["missing: x"], "comments")
    same(table(times)[1:], [["w", "layerwise", "1", "2.00 ms", "", ""], ["w", "JAX", "1", "1.00 ms", "0.500", ""]], "table")
    same([three_digits(x) for x in (0.0123, 1.0, 99.96, 376.4, 7240.0)], ["0.0123", "1.00", "100", "376", "7240"], "digits")
    print("ratios.py: the statistics are right on made-up numbers")


def main(arguments):
    if arguments == ["--self-check"]:
        self_check()
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        with open(arguments[0]) as lines:
            times, comments = read_samples(lines)
        if times:
            print_table(table(times))
            explain(times)
        for comment in comments:
            print(comment)
    else:
        print("error: expected a file of samples, or --self-check\nhint: compare.sh writes such a file", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
