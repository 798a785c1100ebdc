#!/usr/bin/env python3
"""Two builds of sluice on the same work in the same minutes.

    against.py --bin build/release/bin --against OTHER/build/release/bin [--rounds N] [--seconds S] [workload…]

Prints, for each workload, CPU time a unit of the first build divided by that of the other in the same round (the median over
the rounds), and user instructions a unit by callgrind, of both.
"""
import argparse
import pathlib
import random
import statistics
import sys
import tempfile

import fleet
import suite
from targets import Sluice
from workloads import all_workloads


class Named(Sluice):
    def __init__(self, bin_dir, name):
        super().__init__(bin_dir, 1)
        self.name = name


def cpu_ratio(work, mine, other, rounds, folder):
    ratios = []
    for number in range(rounds):
        cpu = {}
        for target in random.sample([mine, other], 2):
            print(f"\r  {work.name} round {number + 1}/{rounds} ", end="", file=sys.stderr, flush=True)
            cpu[target.name] = suite.one_run(target, work, folder / "run")["cpu_us"]
        ratios.append(cpu[mine.name] / cpu[other.name])
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--against", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("workloads", nargs="*", help="names; all when absent")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    suite.prepare_namespace()
    bins = [options.bin.resolve(), options.against.resolve()]
    works = all_workloads(bins[0], options.seconds)
    known = [work.name for work in works] + ["instructions", "idle-tcp"]
    for name in options.workloads:
        if name not in known:
            parser.error(f"no workload '{name}'; there are: {', '.join(known)}")
    wanted = lambda name: not options.workloads or name in options.workloads
    mine, other = Named(bins[0], "this"), Named(bins[1], "other")
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name:
        folder = pathlib.Path(name)
        for work in works:
            if not wanted(work.name):
                continue
            work.start_endpoint()
            try:
                ratios = cpu_ratio(work, mine, other, options.rounds, folder)
            finally:
                work.stop_endpoint()
            print(f"{work.name:12} CPU a unit, this / other: {statistics.median(ratios):.3f}   (from {min(ratios):.3f} to {max(ratios):.3f})")
        if wanted("instructions"):
            this, that = (suite.print_instructions(bin_dir, works, folder, peers=()) for bin_dir in bins)
            for unit, values in this.items():
                now, before = values[next(iter(values))], that[unit][next(iter(that[unit]))]
                print(f"{unit:60} {now:10,.0f} against {before:10,.0f}   {now / before:.3f}")
        if wanted("idle-tcp"):
            for bin_dir, who in zip(bins, ("this", "other")):
                got = fleet.run("idle-tcp", bin_dir, folder, quick=True)["bytes_a_session"]
                print(f"idle TCP session, {who}: {got['sluice 1 worker']:,.0f} B")


if __name__ == "__main__":
    main()
