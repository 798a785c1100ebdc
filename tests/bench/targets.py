"""What is measured: a way to the endpoint, with or without a proxy on it.

A target starts a proxy for one workload (TCP or UDP, one listener, one endpoint), says which
processes it consists of, and stops it. Peers run with the settings their own manuals recommend for
this work; nothing of theirs is made slower than its default.
"""
import os
import pathlib
import signal
import socket
import subprocess
import time


def wait_until(condition, what, seconds=15.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.005)


def accepts(port):
    """Does anybody listen on the TCP port? Without connecting: iperf3 takes any connection for a test."""
    wanted = f":{port:04X}"
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state = line.split()[:4]
        if state == "0A" and local.endswith(wanted):
            return True
    return False


def descendants(pid):
    """The process and everything below it."""
    found = [pid]
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return found
    for child in children:
        found += descendants(int(child))
    return found


class Proxy:
    """A running proxy."""

    def __init__(self, command, folder, ready, wrapper=()):
        self.folder = folder
        self.log = open(folder / "output.log", "wb")
        self.process = subprocess.Popen([*wrapper, *command], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        try:
            wait_until(ready, f"{command[0]} (its output is {folder}/output.log)")
        except RuntimeError:
            self.stop()
            print((folder / "output.log").read_text(errors="replace")[-2000:])
            raise

    def pids(self):
        return descendants(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Target:
    udp = True
    only = None  # Names of the workloads it is measured with; all when None.

    def fits(self, work):
        return (self.udp or not work.udp) and (self.only is None or work.name in self.only)


class Direct(Target):
    name = "direct"

    def start(self, work, folder, wrapper=()):
        return None

    def port(self, work):
        return work.endpoint_port


class Nginx(Target):
    # It closes both connections when one peer has ended, unless half_close.

    def __init__(self, workers, half_close=False):
        self.workers = workers
        self.half_close = half_close
        self.name = f"nginx {workers} worker" + ("s" if workers > 1 else "") + (", half-close" if half_close else "")
        if half_close:
            self.only = ("connections",)

    def port(self, work):
        return work.listen_port

    def start(self, work, folder, wrapper=()):
        udp = " udp" if work.udp else ""
        reuseport = " reuseport" if self.workers > 1 else ""
        responses = f"proxy_responses {work.udp_responses};" if work.udp and work.udp_responses else ""
        half_close = "proxy_half_close on;" if self.half_close else ""
        (folder / "nginx.conf").write_text(f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; {'master_process off;' if wrapper else ''} worker_processes {self.workers}; pid {folder}/pid; error_log {folder}/error.log error;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
stream {{
  log_format main '$remote_addr [$time_iso8601] $protocol $status $bytes_sent $bytes_received $session_time "$upstream_addr"';
  access_log {folder}/access.log main buffer=64k flush=1s;
  upstream endpoint {{ server 127.0.0.1:{work.endpoint_port}; }}
  server {{ listen 127.0.0.1:{work.listen_port}{udp}{reuseport} {'' if work.udp else 'backlog=4096'}; proxy_pass endpoint; {responses} proxy_timeout {work.udp_idle if work.udp else '10m'}; {half_close} }}
}}
""")
        processes = 1 if wrapper else 1 + self.workers  # A tool that watches it follows no child.

        def started():
            pid = (folder / "pid").read_text() if (folder / "pid").exists() else ""
            return bool(pid.strip()) and len(descendants(int(pid))) >= processes

        ready = started if work.udp else (lambda: accepts(work.listen_port))
        return Proxy(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], folder, ready, wrapper)


class HAProxy(Target):
    udp = False

    def __init__(self, threads, splice=False):
        self.threads = threads
        self.splice = splice
        self.name = f"HAProxy {threads} thread" + ("s" if threads > 1 else "") + (", splice forced" if splice else "")

    def port(self, work):
        return work.listen_port

    def start(self, work, folder, wrapper=()):
        splice = "option splice-request\n  option splice-response\n" if self.splice else ""
        (folder / "haproxy.cfg").write_text(f"""
global
  nbthread {self.threads}
  maxconn 7800
  {'maxpipes 1500' if self.splice else ''}
  log {folder}/log.sock len 512 local0
defaults
  mode tcp
  log global
  option tcplog
  timeout connect 5s
  timeout client 10m
  timeout server 10m
  {splice}
frontend in
  bind 127.0.0.1:{work.listen_port} backlog 4096
  default_backend out
backend out
  server endpoint 127.0.0.1:{work.endpoint_port}
""")
        # Where its records go: read and thrown away, as a syslog daemon on another core would.
        path = str(folder / "log.sock")
        sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sink.bind(path)
        reader = subprocess.Popen(["python3", "-c", "import socket,sys\ns=socket.socket(fileno=0)\nwhile 1: s.recv(65536)"],
                                  stdin=sink.fileno())
        sink.close()
        proxy = Proxy(["haproxy", "-f", str(folder / "haproxy.cfg")], folder, lambda: accepts(work.listen_port), wrapper)
        stop = proxy.stop

        def stop_both():
            stop()
            reader.kill()
            reader.wait()

        proxy.stop = stop_both
        return proxy


class Sluice(Target):
    def __init__(self, bin_dir, workers):
        self.bin_dir = bin_dir
        self.workers = workers
        self.name = f"sluice {workers} worker" + ("s" if workers > 1 else "")

    def port(self, work):
        return work.listen_port

    def manifest(self, work, weight=1):
        responses = f", expectedResponses: {work.udp_responses}" if work.udp_responses else ""
        udp = f"  protocol: UDP\n  udp: {{idle: {work.udp_idle}{responses}}}\n" if work.udp else ""
        return f"""apiVersion: sluice.dev/v1
kind: Upstream
metadata: {{name: endpoint}}
spec: {{endpoints: [{{address: "127.0.0.1:{work.endpoint_port}", weight: {weight}}}]}}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {{name: in}}
spec:
  address: "127.0.0.1:{work.listen_port}"
{udp}  routes: [{{proxy: {{upstream: endpoint}}}}]
"""

    def start(self, work, folder, wrapper=()):
        manifest = folder / "sluice.yaml"
        manifest.write_text(self.manifest(work))
        admin = work.listen_port + 1
        proxy = Proxy([str(self.bin_dir / "sluice-dataplane"), "--node", "bench", "--config", str(manifest),
                       "--workers", str(self.workers), "--admin", f"127.0.0.1:{admin}",
                       "--access-log", str(folder / "access.log"), "--drain-timeout", "0s", *self.without_delay()], folder,
                      lambda: accepts(admin) and (work.udp or accepts(work.listen_port)), wrapper)
        proxy.manifest = manifest
        return proxy

    def without_delay(self):
        """Builds to compare with may not know the flag."""
        usage = subprocess.run([str(self.bin_dir / "sluice-dataplane"), "--help"], capture_output=True, text=True).stdout
        return ["--shutdown-delay", "0s"] if "--shutdown-delay" in usage else []
