"""Runs the contenders of one work alternately and writes every time down. Standard library only.

    python3 alternate.py turns     COUNT SAMPLES WORK :: NAME COMMAND... [:: NAME COMMAND...]
    python3 alternate.py processes COUNT SAMPLES WORK :: NAME COMMAND... [:: NAME COMMAND...]

turns: each contender is a process that stays alive. It prints `ready`, then answers each line `turn SECONDS` on stdin with
`turn SECONDS_PER_UNIT UNITS`, after repeating its work until that time has passed. Two turns that do not count warm it
up (what compiles, compiles there); only one, if it takes longer than twenty seconds. In each of COUNT cycles every contender
takes one turn, in an order drawn afresh. One whose turn takes longer than two seconds takes part in every fifth cycle only.

processes: in each of COUNT rounds every contender runs once from start to end, timed from outside, in an order drawn afresh.

SAMPLES gets a line for each time, WORK<tab>cycle<tab>NAME<tab>seconds, and comments; ratios.py prints what they come to.
A contender that fails is named as missing there, and the others go on. The first one must not fail: the others are
compared with it.
"""
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

TURN_SECONDS = 0.3
SLOW_TURN_SECONDS = 2.0
SLOW_EVERY = 5  # cycles
LONG_WARM_UP_SECONDS = 20.0
CLOCK_TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A contender failed; the message says how."""


class Samples:
    """The file that collects what is measured."""

    def __init__(self, path, work):
        self.path = path
        self.work = work

    def add(self, cycle, name, seconds):
        self._write(f"{self.work}\t{cycle}\t{name}\t{seconds:.9g}")

    def comment(self, text):
        self._write(f"# {text}")

    def missing(self, name, reason):
        self.comment(f"missing: {self.work}, {name}: {reason}")

    def _write(self, line):
        with open(self.path, "a") as file:
            file.write(line + "\n")


def last_line(file):
    """The last line that a process wrote on stderr, or nothing."""
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def cpu_seconds(pid):
    """Processor time of a process and all its threads so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICK


class Contender:
    """A process that waits for its turns."""

    def __init__(self, name, command):
        self.name = name
        self.turn_cpu = 0.0
        self.turn_seconds = 0.0
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, bufsize=1)
        try:
            self._expect("ready")
            self.slow = self._warm_up() > SLOW_TURN_SECONDS
            self.turn_cpu = self.turn_seconds = 0.0
            self.cpu_before = cpu_seconds(self.process.pid)
        except BaseException:
            self.end()
            raise

    def turn(self):
        """@returns seconds per unit of work"""
        cpu, start = cpu_seconds(self.process.pid), time.perf_counter()
        try:
            self.process.stdin.write(f"turn {TURN_SECONDS}\n")
        except BrokenPipeError:
            self._fail()
        seconds = float(self._expect("turn")[0])
        self.turn_seconds += time.perf_counter() - start
        self.turn_cpu += cpu_seconds(self.process.pid) - cpu
        return seconds

    def _warm_up(self):
        """@returns seconds that a turn takes"""
        for limit in (LONG_WARM_UP_SECONDS, 0):
            start = time.perf_counter()
            self.turn()
            seconds = time.perf_counter() - start
            if seconds > limit:
                break
        return seconds

    def idle_cpu(self):
        """Processor time it took while others had their turns."""
        return cpu_seconds(self.process.pid) - self.cpu_before - self.turn_cpu

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()

    def _expect(self, word):
        words = self.process.stdout.readline().split()
        if words[:1] != [word]:
            self._fail(" ".join(words))
        return words[1:]

    def _fail(self, said=""):
        if said:
            raise Failed(f"it answered '{said}'")
        status = self.process.wait()
        raise Failed(last_line(self.errors) or f"it ended with status {status}")


def start_all(commands, samples):
    contenders = []
    try:
        for name, command in commands:
            try:
                contenders.append(Contender(name, command))
            except (Failed, OSError) as error:
                if name == commands[0][0]:
                    raise Failed(f"{name}: {error}") from error
                samples.missing(name, error)
    except BaseException:
        end_all(contenders)
        raise
    return contenders


def end_all(contenders):
    for contender in contenders:
        contender.end()


def take_turns(commands, cycles, samples, draw):
    contenders = start_all(commands, samples)
    reference = contenders[0]
    try:
        for cycle in range(cycles):
            now = [c for c in contenders if not c.slow or cycle % SLOW_EVERY == 0]
            for contender in draw.sample(now, len(now)):
                try:
                    samples.add(cycle, contender.name, contender.turn())
                except Failed as error:
                    if contender is reference:
                        raise Failed(f"{contender.name}: {error}") from error
                    samples.missing(contender.name, error)
                    contenders.remove(contender)
                    contender.end()
        report_fairness(contenders, samples)
    finally:
        end_all(contenders)


def report_fairness(contenders, samples):
    """Says so if a turn was not its contender's alone: others of the work, or of the machine, took processor time."""
    all_turns = sum(c.turn_seconds for c in contenders)
    for contender in contenders:
        others = all_turns - contender.turn_seconds
        if others > 0 and contender.idle_cpu() > 0.01 * others:
            samples.comment(f"note: {samples.work}: {contender.name} was busy for {contender.idle_cpu() / others:.0%} of the "
                            "time of the others' turns")
    had = sum(c.turn_cpu for c in contenders) / all_turns
    if had < 0.95:
        samples.comment(f"note: {samples.work}: the contenders had the core for {had:.0%} of their turns; the machine is busy")


def children_cpu():
    """Processor time of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_to_end(command):
    """@returns seconds by the clock, and seconds of processor time"""
    with tempfile.TemporaryFile() as errors:
        cpu, start = children_cpu(), time.perf_counter()
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        except OSError as error:
            raise Failed(str(error)) from error
        seconds = time.perf_counter() - start
        if ended.returncode != 0:
            raise Failed(last_line(errors) or f"it ended with status {ended.returncode}")
    return seconds, children_cpu() - cpu


def run_processes(commands, rounds, samples, draw):
    reference = commands[0][0]
    left = dict(commands)
    shares = {}
    for cycle in range(rounds):
        for name in draw.sample(list(left), len(left)):
            try:
                seconds, cpu = run_to_end(left[name])
            except Failed as error:
                if name == reference:
                    raise Failed(f"{name}: {error}") from error
                samples.missing(name, error)
                del left[name]
            else:
                samples.add(cycle, name, seconds)
                shares.setdefault(name, []).append(cpu / seconds)
    for name, share in shares.items():
        if min(share) < 0.9:
            samples.comment(f"note: {samples.work}: {name} once had {min(share):.0%} of a core; the machine is busy")


def parse(arguments):
    groups = [[]]
    for argument in arguments:
        if argument == "::":
            groups.append([])
        else:
            groups[-1].append(argument)
    modes = {"turns": take_turns, "processes": run_processes}
    head, contenders = groups[0], groups[1:]
    if len(head) != 4 or head[0] not in modes or not head[1].isdecimal() or int(head[1]) < 1:
        raise ValueError("expected turns|processes COUNT SAMPLES WORK")
    if not contenders or any(len(group) < 2 for group in contenders):
        raise ValueError("expected :: NAME COMMAND... for each contender")
    return modes[head[0]], int(head[1]), Samples(head[2], head[3]), [(group[0], group[1:]) for group in contenders]


def main(arguments):
    try:
        mode, count, samples, commands = parse(arguments)
    except ValueError as error:
        print(f"error: {error}\nhint: the head of {os.path.basename(__file__)} says more", file=sys.stderr)
        return 2
    try:
        mode(commands, count, samples, random.Random(1))
    except Failed as error:
        print(f"error: {samples.work}: {error}\nhint: nothing can be compared without it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
