#!/usr/bin/env bash
# What a change costs with a thousand data planes and more:  tests/bench/fleet.sh [--quick] [--out FILE]
# Builds the release preset, runs simulated data planes against the real control plane on loopback, prints each figure
# beside its mark and saves all of them as JSON. docs/benchmarks/README.md tells how to read them.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=docs/benchmarks/fleet.json
quick=
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=yes; out=build/benchmarks/fleet.json ;;
    --out) out=$2; shift ;;
    *) echo "usage: tests/bench/fleet.sh [--quick] [--out FILE]" >&2; exit 2 ;;
  esac
  shift
done
if [ "$(id -u)" -ne 0 ]; then
  echo "error: the benchmark makes a network namespace, which needs root" >&2
  exit 1
fi
deploy/build.sh release sluice-controlplane ctl bench_fleet
bench=build/release/bin/bench_fleet
export SLUICE_BIN_DIR=$PWD/build/release/bin
mkdir -p "$(dirname "$out")"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
# A network namespace of its own, where no earlier connection holds a port.
measure() {
  echo "  $*" >&2
  unshare --net --fork bash -c 'ip link set lo up && exec "$@"' bash "$bench" "$@" >"$results/$1.json"
}
if [ -n "$quick" ]; then
  measure steady 100 100
  measure quiet 300 100
  measure large 200 2000
else
  measure steady 1000 100
  measure quiet 3000 100
  measure large 4000 9000
fi
exec python3 tests/bench/fleet_marks.py "$results" "$out"
