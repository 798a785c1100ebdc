#!/usr/bin/env bash
# Measures sluice beside nginx stream and HAProxy:  tests/bench/run.sh [--quick] [workload…]
# or beside another build of itself:                tests/bench/run.sh --against OTHER/build/release/bin [workload…]
# Installs the peers, builds the release preset, and runs everything in a network namespace of its own.
# docs/benchmarks/README.md tells how to read what it prints.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ]; then
  echo "error: the benchmark makes a network namespace, which needs root" >&2
  exit 1
fi
deploy/install_packages.sh build demo test bench
deploy/build.sh release sluice-controlplane sluice-dataplane ctl bench_tcp_load bench_udp_load bench_update_in_force bench_core_work
# A namespace may only choose among what the machine allows.
allowed=/proc/sys/net/ipv4/tcp_allowed_congestion_control
if ! grep -qw cubic "$allowed"; then
  modprobe -q tcp_cubic 2>/dev/null || true
  echo "$(cat "$allowed") cubic" >"$allowed"
fi
if [ "${1:-}" = --against ]; then
  exec unshare --net --mount-proc --fork --pid python3 tests/bench/against.py --bin build/release/bin "$@"
fi
# A look does not replace published figures.
out=docs/benchmarks
for word in "$@"; do
  if [ "$word" = --quick ]; then out=build/benchmarks; fi
done
exec unshare --net --mount-proc --fork --pid python3 tests/bench/suite.py --bin build/release/bin --out "$out" "$@"
