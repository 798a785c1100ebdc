"""The loads: each starts its endpoint once and can then be run through any target."""
import json
import os
import subprocess
import tempfile

from targets import accepts, wait_until


class Workload:
    udp = False
    udp_responses = None
    udp_idle = "10m"
    unit = "exchange"
    endpoint_port = 21001
    listen_port = 21011
    bar = None          # CPU per unit against nginx with one worker: at most this.

    def __init__(self, bin_dir, seconds):
        self.bin = bin_dir
        self.seconds = seconds
        self.endpoint = None

    def endpoint_command(self):
        raise NotImplementedError

    def start_endpoint(self):
        self.endpoint = subprocess.Popen(self.endpoint_command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not self.udp:
            wait_until(lambda: accepts(self.endpoint_port), "the endpoint")

    def stop_endpoint(self):
        if self.endpoint:
            self.endpoint.kill()
            self.endpoint.wait()
            self.endpoint = None

    def load(self, port):
        """Runs the load once; {'count': units, 'seconds': …, 'lost': …, 'p50_us': …, 'p99_us': …}."""
        raise NotImplementedError

    def run_json(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)


class Bulk(Workload):
    unit = "GB"

    def __init__(self, bin_dir, seconds, streams):
        super().__init__(bin_dir, seconds)
        self.streams = streams
        self.name = f"bulk-{streams}"
        self.title = f"TCP bulk, {streams} stream{'s' if streams > 1 else ''}"
        self.bar = 0.22

    def endpoint_command(self):
        return ["iperf3", "-s", "-p", str(self.endpoint_port), "-B", "127.0.0.1"]

    def load(self, port):
        got = self.run_json("iperf3", "-c", "127.0.0.1", "-p", port, "-t", self.seconds, "-P", self.streams, "-J")
        received = got["end"]["sum_received"]
        return {"count": received["bytes"] / 1e9, "seconds": received["seconds"]}


class Ping(Workload):
    name = "ping"
    title = "64 B request/response, 50 connections"
    bar = 0.95

    def endpoint_command(self):
        return [self.bin / "bench_tcp_load", "serve", f"127.0.0.1:{self.endpoint_port}"]

    def load(self, port, count=None):
        more = [count] if count else []
        return self.run_json(self.bin / "bench_tcp_load", "ping", f"127.0.0.1:{port}", 50, self.seconds if not count else 600, *more)


class Pipelined(Workload):
    name = "pipelined"
    title = "Redis GET 64 B pipelined x 16, 50 connections"
    unit = "operation"
    bar = 0.95

    def endpoint_command(self):
        return ["redis-server", "--port", str(self.endpoint_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", tempfile.gettempdir()]

    def load(self, port):
        count = int(400_000 * self.seconds)
        done = subprocess.run(["redis-benchmark", "-p", str(port), "-c", "50", "-P", "16", "-d", "64", "-n", str(count), "-t", "get",
                               "--csv"], capture_output=True, text=True, timeout=120)
        if done.returncode != 0 or "rror" in done.stdout + done.stderr:
            raise RuntimeError(done.stdout + done.stderr)
        rate, _, _, p50, _, p99 = [float(x.strip('"')) for x in done.stdout.strip().splitlines()[-1].split(",")[1:7]]
        return {"count": count, "seconds": count / rate, "p50_us": p50 * 1000, "p99_us": p99 * 1000}


class Connections(Workload):
    name = "connections"
    title = "New connections, 64 B each way, access log on"
    unit = "connection"
    bar = 1.0
    syscall_bar = 19

    def endpoint_command(self):
        return [self.bin / "bench_tcp_load", "serve", f"127.0.0.1:{self.endpoint_port}"]

    def load(self, port, count=None):
        more = [count] if count else []
        return self.run_json(self.bin / "bench_tcp_load", "connect", f"127.0.0.1:{port}", 50, self.seconds if not count else 600, *more)


class UdpPing(Workload):
    udp = True
    bar = 0.65

    def __init__(self, bin_dir, seconds, flows, window):
        super().__init__(bin_dir, seconds)
        self.flows, self.window = flows, window
        self.name = f"udp-{flows}x{window}"
        self.title = f"UDP echo 64 B, {flows} flows x {window}"

    def endpoint_command(self):
        return [self.bin / "bench_udp_load", "serve", f"127.0.0.1:{self.endpoint_port}"]

    def load(self, port, count=None):
        more = [count] if count else []
        return self.run_json(self.bin / "bench_udp_load", "ping", f"127.0.0.1:{port}", self.flows, self.window,
                             self.seconds if not count else 600, *more)


class UdpBulk(Workload):
    udp = True
    name = "udp-bulk"
    title = "UDP bulk, 1,200 B datagrams, sender with GSO"
    unit = "GB"
    bar = 0.10

    def start_endpoint(self):
        pass  # The load listens itself.

    def load(self, port):
        got = self.run_json(self.bin / "bench_udp_load", "bulk", f"127.0.0.1:{port}", self.seconds, f"127.0.0.1:{self.endpoint_port}")
        return got | {"count": got["count"] / 1e9}


def all_workloads(bin_dir, seconds):
    return [Bulk(bin_dir, seconds, 1), Bulk(bin_dir, seconds, 8), Ping(bin_dir, seconds), Pipelined(bin_dir, seconds),
            Connections(bin_dir, seconds), UdpPing(bin_dir, seconds, 16, 4), UdpPing(bin_dir, seconds, 256, 1),
            UdpBulk(bin_dir, seconds)]
