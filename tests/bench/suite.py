#!/usr/bin/env python3
"""The benchmark suite: sluice beside nginx stream and HAProxy on the same work in the same minutes.

    suite.py --bin build/release/bin [--quick] [--rounds N] [--seconds S] [--out docs/benchmarks] [workload…]

Every round visits all targets in random order. The judged figure is the proxy's CPU time per unit of
work divided by that of nginx with one worker in the same round, the median over the rounds.
Rates and latencies are shown and never judged: the load, the endpoint and the proxy share the CPUs.
"""
import argparse
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

import chart
import fleet
import measure
import report
from report import number
from targets import Direct, HAProxy, Nginx, Sluice
from workloads import all_workloads

BASE = "nginx 1 worker"


def prepare_namespace():
    """Only ever inside the namespace that run.sh made."""
    if len(pathlib.Path("/proc/net/dev").read_text().splitlines()) > 3:
        sys.exit("error: start this by tests/bench/run.sh, which makes a network namespace for it")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in {"net/ipv4/tcp_congestion_control": "cubic", "net/ipv4/tcp_max_tw_buckets": "4096",
                        "net/ipv4/ip_local_port_range": "32768 60999"}.items():
        pathlib.Path("/proc/sys", name).write_text(value)


def one_run(target, work, folder):
    """CPU and rate of one load through one target."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    proxy = target.start(work, folder)
    try:
        pids = proxy.pids() if proxy else []
        cpu, machine = measure.cpu_ns(pids), measure.machine_ns()
        got = work.load(target.port(work))
        cpu, machine = measure.cpu_ns(pids) - cpu, measure.machine_ns() - machine
        return {"rate": got["count"] / got["seconds"], "cpu_us": cpu / 1000 / got["count"], "machine_us": machine / 1000 / got["count"],
                "lost": got.get("lost", 0), "p50_us": got.get("p50_us"), "p99_us": got.get("p99_us")}
    finally:
        if proxy:
            proxy.stop()


def system_calls(target, work, folder):
    """System calls per unit, or None where perf cannot count."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    proxy = target.start(work, folder)
    try:
        counter = measure.SystemCalls(proxy.pids())
        got = work.load(target.port(work))
        calls = counter.stop()
        return calls / got["count"] if calls else None
    finally:
        proxy.stop()


def instructions(target, work, folder, few=2000, many=12000):
    """User instructions per unit by callgrind: the difference of two run lengths."""
    totals = []
    for count in (few, many):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        out = folder / "callgrind.out"
        proxy = target.start(work, folder, wrapper=("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q"))
        try:
            work.load(target.port(work), count)
        finally:
            proxy.stop()
        totals.append(measure.callgrind_instructions(out))
    return (totals[1] - totals[0]) / (many - few)


# What a session's phases and picks are measured with: more than most listeners have.
CORE_MANIFEST = """apiVersion: sluice.dev/v1
kind: Upstream
metadata: {{name: u}}
spec:
  balance: {{policy: {policy}{hash}}}
  endpoints: [{endpoints}]
---
apiVersion: sluice.dev/v1
kind: AccessPolicy
metadata: {{name: p}}
spec:
  defaultAction: DENY
  rules:
  - {{action: DENY, sources: [{denied}]}}
  - {{action: ALLOW, sources: ["10.0.0.0/8"]}}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {{name: l}}
spec:
  address: "127.0.0.1:21011"
  accessPolicies: [p]
  limits: {{connections: 10000, perKey: [{{key: "$remote_addr", connections: 100}}]}}
  routes: [{{proxy: {{upstream: u}}}}]
"""


def core_instructions(bin_dir, folder, what, policy):
    """User instructions of one phase chain or one pick, by the difference of two run lengths."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "core.yaml"
    manifest.write_text(CORE_MANIFEST.format(
        policy=policy, hash=', hash: {key: "$remote_addr"}' if policy.endswith("HASH") and policy != "IP_HASH" else "",
        endpoints=", ".join(f'{{address: "127.0.0.{i + 1}:9000"}}' for i in range(10)),
        denied=", ".join(f'"10.200.{i}.0/24"' for i in range(100))))
    few, many = 1000, 11_000
    totals = []
    for count in (few, many):
        out = folder / "core.out"
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q", bin_dir / "bench_core_work", manifest, what,
                        str(count)], check=True)
        totals.append(measure.callgrind_instructions(out))
    return (totals[1] - totals[0]) / (many - few)


def print_instructions(bin_dir, works, folder, peers=(Nginx(1),)):
    """All of them, as a part of the results."""
    results = {}

    def row(unit, who, value):
        results.setdefault(unit, {})[who] = value
        print(f"  {unit:56} {who:18} {value:10,.0f}")

    print("\nUser instructions a unit (callgrind, one worker)")
    for work in works:
        if work.name not in ("ping", "connections", "udp-16x4"):
            continue
        work.start_endpoint()
        try:
            for target in (*peers, Sluice(bin_dir, 1)):
                row(work.title, target.name, instructions(target, work, folder / "callgrind"))
        finally:
            work.stop_endpoint()
    row("phase chain: 101 networks, limits a listener and a client", "sluice", core_instructions(bin_dir, folder, "phases", "ROUND_ROBIN"))
    for policy in ("ROUND_ROBIN", "LEAST_CONNECTIONS", "RANDOM", "IP_HASH", "HASH", "RING_HASH"):
        row(f"pick of 10 endpoints, {policy}", "sluice", core_instructions(bin_dir, folder, "pick", policy))
    return results


def run_workload(work, targets, rounds, folder):
    samples = {target.name: [] for target in targets}
    work.start_endpoint()
    try:
        for number in range(rounds):
            for target in random.sample(targets, len(targets)):
                print(f"\r  round {number + 1}/{rounds}: {target.name:32}", end="", file=sys.stderr, flush=True)
                samples[target.name].append(one_run(target, work, folder / "run"))
        calls = {}
        for target in targets:
            if target.name in (BASE, "sluice 1 worker", "HAProxy 1 thread"):
                calls[target.name] = system_calls(target, work, folder / "run")
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    finally:
        work.stop_endpoint()
    rows = []
    for target in targets:
        runs = samples[target.name]
        median = lambda key, runs=runs: statistics.median(r[key] for r in runs if r[key] is not None) \
            if any(r[key] is not None for r in runs) else None
        ratio = None
        if target.name != "direct":
            ratio = statistics.median(mine["cpu_us"] / base["cpu_us"] for mine, base in zip(runs, samples[BASE]))
        rows.append({"target": target.name, "ratio": ratio, "cpu_us": median("cpu_us"), "machine_us": median("machine_us"),
                     "rate": median("rate"), "p50_us": median("p50_us"), "p99_us": median("p99_us"),
                     "lost": sum(r["lost"] for r in runs), "system_calls": calls.get(target.name), "samples": runs})
    return rows


def print_table(work, rows):
    print(f"\n{work.title}  (a unit is one {work.unit})")
    print(f"  {'target':28} {'CPU/nginx':>9} {'CPU us':>9} {'machine us':>10} {'calls':>8} {'rate/s':>10} {'p50 us':>8} {'p99 us':>8} {'lost':>6}")
    for row in rows:
        print(f"  {row['target']:28} {number(row['ratio'], 3):>9} {number(row['cpu_us']):>9} {number(row['machine_us']):>10} "
              f"{number(row['system_calls']):>8} {number(row['rate']):>10} {number(row['p50_us'], 0):>8} {number(row['p99_us'], 0):>8} {row['lost']:>6}")
    verdicts = judge(work, rows)
    for verdict in verdicts:
        print("  " + verdict["text"])
    return verdicts


def judge(work, rows):
    by_name = {row["target"]: row for row in rows}
    mine = by_name["sluice 1 worker"]
    verdicts = []

    def verdict(what, value, bar):
        passed = value is not None and value <= bar
        verdicts.append({"workload": work.name, "what": what, "value": value, "bar": bar, "reached": passed,
                         "text": f"{'reached' if passed else 'MISSED '}  {what}: {number(value, 3)} (to reach: at most {bar})"})

    verdict("CPU per unit against nginx", mine["ratio"], work.bar)
    if work.name.startswith("bulk"):
        spliced = by_name["HAProxy 1 thread, splice forced"]
        verdict("CPU per unit against HAProxy with forced splice",
                statistics.median(m["cpu_us"] / h["cpu_us"] for m, h in zip(mine["samples"], spliced["samples"])), 1.1)
    if hasattr(work, "syscall_bar"):
        verdict("system calls per unit", mine["system_calls"], work.syscall_bar)
    if work.udp and work.name != "udp-bulk":
        verdict("datagrams lost", mine["lost"], 0)
    return verdicts


def save(out, results):
    """After every workload, so that a run that is broken off is not lost."""
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        report.write(out, results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="2 short rounds and no callgrind: for a look, not for a claim")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--out", type=pathlib.Path, help="folder for results.json and the charts")
    parser.add_argument("workloads", nargs="*", help="names; all when absent")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1
    bin_dir = options.bin.resolve()
    works = all_workloads(bin_dir, int(options.seconds) if options.seconds >= 1 else 1)
    known = [work.name for work in works] + fleet.NAMES + ["instructions"]
    for name in options.workloads:
        if name not in known:
            parser.error(f"no workload '{name}'; there are: {', '.join(known)}")
    wanted = lambda name: not options.workloads or name in options.workloads

    sys.stdout.reconfigure(line_buffering=True)
    prepare_namespace()
    targets = [Direct(), Nginx(1), Nginx(1, half_close=True), HAProxy(1), HAProxy(1, splice=True), Sluice(bin_dir, 1), Nginx(2), HAProxy(2), Sluice(bin_dir, 2)]
    results = {"workloads": {}, "fleet": {}, "instructions": {}}
    if options.out and (options.out / "results.json").exists():  # Workloads that are not run now keep their figures.
        results = json.loads((options.out / "results.json").read_text())
    results |= {"machine": {"cpus": os.cpu_count(), "kernel": platform.release()}, "rounds": options.rounds, "seconds": options.seconds}
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name:
        folder = pathlib.Path(name)
        for work in works:
            if not wanted(work.name):
                continue
            fitting = [t for t in targets if t.fits(work)]
            rows = run_workload(work, fitting, options.rounds, folder)
            judged = print_table(work, rows)
            verdicts += judged
            results["workloads"][work.name] = {"title": work.title, "unit": work.unit, "rows": rows, "verdicts": judged}
            save(options.out, results)
            if options.out:
                (options.out / f"{work.name}.svg").write_text(chart.svg(work, rows))
        if wanted("instructions") and not options.quick:
            results["instructions"] = print_instructions(bin_dir, works, folder)
            save(options.out, results)
        for name in fleet.NAMES:
            if wanted(name):
                outcome = fleet.run(name, bin_dir, folder, options.quick)
                results["fleet"][name] = outcome
                save(options.out, results)
                verdicts += outcome["verdicts"]
    missed = [v for v in verdicts if not v["reached"]]
    print(f"\n{len(verdicts) - len(missed)} of {len(verdicts)} figures reached.")
    for v in missed:
        print(f"  missed: {v['workload']}, {v['what']}: {number(v['value'], 3)} against {v['bar']}")


if __name__ == "__main__":
    main()
