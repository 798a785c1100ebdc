"""Figures that are no rate: memory of idle sessions, start time, time until a change is in force, and
what ten thousand swaps cost the traffic."""
import json
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import threading
import time
import urllib.request

import measure
from targets import HAProxy, Nginx, Sluice, accepts, wait_until
from workloads import Ping, UdpPing, all_workloads

GIVEN_BACK_WITHIN_S = 5
NAMES = ["idle-tcp", "idle-udp", "update", "start", "swaps"]


def verdict(workload, what, value, bar):
    reached = value is not None and value <= bar
    print(f"  {'reached' if reached else 'MISSED '}  {what}: {value:,.3f} (to reach: at most {bar})")
    return {"workload": workload, "what": what, "value": value, "bar": bar, "reached": reached}


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def idle(name, bin_dir, folder, quick):
    """User memory (PSS) a session that has nothing to do, and what is given back."""
    udp = name == "idle-udp"
    count = 1000 if quick else 7500
    work = UdpPing(bin_dir, 1, 1, 1) if udp else Ping(bin_dir, 1)
    tool = "bench_udp_load" if udp else "bench_tcp_load"
    print(f"\nMemory of {count} idle {'UDP flows' if udp else 'TCP sessions'}")
    outcome = {"sessions": count, "bytes_a_session": {}, "bytes_left_a_session": {}, "verdicts": []}
    work.start_endpoint()
    try:
        for target in [Nginx(1), *([] if udp else [HAProxy(1)]), Sluice(bin_dir, 1)]:
            proxy = target.start(work, fresh(folder / "idle"))
            try:
                # One session first, so that what is made once is not counted.
                for warm_up in (True, False):
                    before = measure.pss_bytes(proxy.pids())
                    load = subprocess.Popen([bin_dir / tool, "idle", f"127.0.0.1:{work.listen_port}", "50" if warm_up else str(count)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                    if load.stdout.readline().strip() != "ready":
                        raise RuntimeError(f"the sessions through {target.name} could not be opened")
                    open_now = measure.pss_bytes(proxy.pids())
                    load.communicate()
                    if load.returncode != 0:
                        raise RuntimeError(f"sessions through {target.name} were lost")
                # Sessions end, and memory that is given back is so within seconds.
                after = measure.pss_bytes(proxy.pids())
                end = time.monotonic() + GIVEN_BACK_WITHIN_S
                while not udp and after - before > 0.25 * (open_now - before) and time.monotonic() < end:
                    time.sleep(0.1)
                    after = measure.pss_bytes(proxy.pids())
            finally:
                proxy.stop()
            outcome["bytes_a_session"][target.name] = (open_now - before) / count
            outcome["bytes_left_a_session"][target.name] = (after - before) / count
            print(f"  {target.name:18} {(open_now - before) / count:8,.0f} B a session, {(after - before) / count:8,.0f} B left after")
        mine = outcome["bytes_a_session"]["sluice 1 worker"]
        outcome["verdicts"].append(verdict(name, "KB a session", mine / 1000, 0.6))
        if not udp:
            outcome["verdicts"].append(verdict(name, "share kept after close", outcome["bytes_left_a_session"]["sluice 1 worker"] / max(mine, 1), 0.25))
    finally:
        work.stop_endpoint()
    return outcome


def update(name, bin_dir, folder, quick):
    """One endpoint of 5,000 changed, from the API's reply until a new session gets the new one."""
    listeners, changes = (200, 200) if quick else (1000, 10_000)
    print(f"\nOne endpoint changed among {listeners * 5} ({changes} times)")
    done = subprocess.run([bin_dir / "bench_update_in_force", str(listeners), str(changes)], capture_output=True, text=True,
                          env={"SLUICE_BIN_DIR": str(bin_dir), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    got = json.loads(done.stdout)
    print(f"  apply ms {got['apply_ms']}, in force after the reply ms {got['in_force_after_reply_ms']}")
    print(f"  data plane {got['data_plane_rss_mib']}, control plane {got['control_plane_rss_mib']}")
    print(f"  {got['live_sessions']} sessions open all the while, {got['new_sessions']} opened meanwhile")
    got["verdicts"] = [verdict(name, "live sessions lost", got["live_sessions_lost"], 0),
                       verdict(name, "new sessions failed", got["new_session_errors"], 0),
                       verdict(name, "ms until in force after the reply (p50)", got["in_force_after_reply_ms"]["p50"], 5),
                       verdict(name, "data plane RSS drift, %", got["data_plane_rss_mib"]["drift_percent"], 1)]
    return got


def big_manifest(count, endpoint_port, listen_port):
    parts = []
    for i in range(count):
        ip = f"127.3.{i // 250}.{i % 250 + 1}"
        endpoints = ", ".join(f'{{address: "127.0.0.1:{endpoint_port + n}"}}' for n in range(5))
        parts.append(f"apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {{name: u{i}}}\nspec: {{endpoints: [{endpoints}]}}\n---\n"
                     f"apiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {{name: l{i}}}\n"
                     f"spec: {{address: \"{ip}:{listen_port}\", routes: [{{proxy: {{upstream: u{i}}}}}]}}\n")
    return "---\n".join(parts)


def start(name, bin_dir, folder, quick):
    """From exec until /readyz says so, with 1,000 listeners and 1,000 upstreams of five endpoints."""
    print("\nStart with 1,000 listeners and 1,000 upstreams x 5 endpoints")
    where = fresh(folder / "start")
    (where / "sluice.yaml").write_text(big_manifest(1000, 21101, 21200))
    times = []
    for _ in range(2 if quick else 6):
        begun = time.monotonic()
        process = subprocess.Popen([bin_dir / "sluice-dataplane", "--node", "bench", "--config", where / "sluice.yaml", "--workers", "1",
                                    "--admin", "127.0.0.1:21300", "--access-log", "off"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: accepts(21300) and subprocess.run(
                ["curl", "-fs", "-o", "/dev/null", "http://127.0.0.1:21300/readyz"]).returncode == 0, "readiness", 30)
            times.append(time.monotonic() - begun)
        finally:
            process.kill()
            process.wait()
    median = statistics.median(times)
    print(f"  seconds: {', '.join(f'{t:.3f}' for t in times)}")
    return {"seconds": times, "verdicts": [verdict(name, "seconds until ready", median, 0.2)]}


def swaps(name, bin_dir, folder, quick):
    """CPU per unit while the configuration changes all the time, against the same without; every load."""
    works = [w for w in all_workloads(bin_dir, 2) if not quick or w.name in ("ping", "udp-16x4")]
    for work in works:
        work.udp_idle = "1s"  # Or the flows of one load would still be there in the next.
    rounds, wanted = (2, 500) if quick else (6, 10_000)
    print(f"\nAt least {wanted} swaps under load")
    outcome = {"verdicts": []}
    target = Sluice(bin_dir, 1)
    for work in works:
        ratios, drift = [], 0.0
        work.start_endpoint()
        try:
            proxy = target.start(work, fresh(folder / "swaps"))
            try:
                # Loads and swaps once first, so that what is made once is not counted.
                while swaps_made(work) < (100 if quick else 1000):
                    with FileChanges(proxy, target, work, in_force=True):
                        work.load(work.listen_port)
                before, swapped = settled_rss_bytes(proxy, work), swaps_made(work)
                for _ in range(rounds):
                    costs = {}
                    for changing in random.sample((False, True), 2):
                        with FileChanges(proxy, target, work, in_force=changing):
                            cpu = worker_cpu_ns(proxy.process.pid)
                            got = work.load(work.listen_port)
                            cpu = worker_cpu_ns(proxy.process.pid) - cpu
                        if got.get("lost") and work.name != "udp-bulk":
                            raise RuntimeError(f"{got['lost']} were lost")
                        costs[changing] = cpu / got["count"]
                    ratios.append(costs[True] / costs[False])
                swapped = swaps_made(work) - swapped
                drift = 100 * (settled_rss_bytes(proxy, work) - before) / before
            finally:
                proxy.stop()
        finally:
            work.stop_endpoint()
        outcome[work.name] = {"swaps": swapped, "cpu_ratio": statistics.median(ratios), "rss_drift_percent": drift}
        print(f"  {work.title}: {swapped} swaps, RSS {before / 1e6:.1f} MB, drift {drift:.2f} %")
        outcome["verdicts"].append(verdict(name, f"workers' CPU per unit with swaps / without, {work.name}", statistics.median(ratios), 1.03))
        outcome["verdicts"].append(verdict(name, f"RSS drift %, {work.name}", drift, 1))
    total = sum(outcome[work.name]["swaps"] for work in works)
    outcome["verdicts"].append(verdict(name, "swaps short of what was wanted", max(0, wanted - total), 0))
    return outcome


class FileChanges:
    """While it is entered, a file with another weight is written every 6 ms, and the data plane told to read it; or, to
    compare with, only written elsewhere."""

    def __init__(self, proxy, target, work, in_force):
        self.proxy, self.target, self.work, self.in_force = proxy, target, work, in_force
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.change)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def change(self):
        weight = 0
        while not self.stop.wait(0.006):
            weight = weight % 100 + 1
            replacement = self.proxy.folder / "next.yaml"
            replacement.write_text(self.target.manifest(self.work, weight))
            if self.in_force:
                replacement.rename(self.proxy.manifest)
                self.proxy.process.send_signal(signal.SIGHUP)  # The file's watch would wait until it has settled.


def settled_rss_bytes(proxy, work):
    if work.udp:
        time.sleep(2)  # Its flows have ended then.
    return measure.rss_bytes(proxy.pids())


def swaps_made(work):
    page = urllib.request.urlopen(f"http://127.0.0.1:{work.listen_port + 1}/metrics", timeout=10).read().decode()
    return int(re.search(r"^sluice_config_swaps_total (\d+)", page, re.M).group(1))


def worker_cpu_ns(pid):
    """CPU of the worker threads alone: reading and compiling a file is not the traffic's cost."""
    tasks = [task for task in pathlib.Path(f"/proc/{pid}/task").iterdir() if (task / "comm").read_text().startswith("worker-")]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def run(name, bin_dir, folder, quick):
    table = {"idle-tcp": idle, "idle-udp": idle, "update": update, "start": start, "swaps": swaps}
    return table[name](name, bin_dir, folder, quick)
