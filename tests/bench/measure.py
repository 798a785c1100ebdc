"""What is read off a run: CPU of a process tree, CPU of the whole machine, system calls, memory."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile


def cpu_ns(pids):
    """Time on a CPU of all threads of these processes, in ns. Their threads must not end meanwhile."""
    total = 0
    for pid in pids:
        for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(stat.read_text().split()[0])
    return total


def machine_ns():
    """Busy time of all CPUs, in ns (from 10 ms ticks)."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    idle = int(fields[3]) + int(fields[4])
    return (sum(map(int, fields[:8])) - idle) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def pss_bytes(pids):
    """User memory, shared pages counted in proportion."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) * 1024
    return total


def rss_bytes(pids):
    return sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * os.sysconf("SC_PAGESIZE")


class SystemCalls:
    """Counts system calls of processes between start and stop, by tracepoint."""

    def __init__(self, pids):
        self.out = tempfile.NamedTemporaryFile(mode="r", suffix=".perf")
        self.perf = subprocess.Popen(["perf", "stat", "-x,", "-o", self.out.name, "-e", "raw_syscalls:sys_enter",
                                      "-p", ",".join(map(str, pids))], stderr=subprocess.DEVNULL)

    def stop(self):
        self.perf.send_signal(signal.SIGINT)
        self.perf.wait()
        for line in self.out.read().splitlines():
            if "raw_syscalls" in line:
                return int(line.split(",")[0])
        return None


def callgrind_instructions(file):
    """Instructions of all threads in a callgrind output file."""
    for line in pathlib.Path(file).read_text().splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split(":")[1].split()[0])
    raise RuntimeError(f"no total in {file}")
