#!/usr/bin/env bash
# Configures and builds a preset, with a line of progress every few seconds:
#   deploy/build.sh PRESET [ninja target…]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "error: cmake --preset $preset failed" >&2
  exit 1
fi
started=$SECONDS
# Ninja prints a line a step when it does not write to a terminal; one line a twentieth is enough.
set +e
NINJA_STATUS='[%f/%t] ' ninja -C "build/$preset" "$@" >"$log" 2>&1 &
ninja_pid=$!
trap 'kill "$ninja_pid" 2>/dev/null; rm -f "$log"' EXIT
last=-1
while kill -0 "$ninja_pid" 2>/dev/null; do
  sleep 1
  step=$(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1 | tr -d '[]')
  if [ -n "$step" ]; then
    percent=$((100 * ${step%/*} / ${step#*/}))
    if [ $((percent / 5)) -gt "$last" ]; then
      last=$((percent / 5))
      printf '  building %s: %3d %% (%s steps, %d s)\n' "$preset" "$percent" "$step" $((SECONDS - started))
    fi
  fi
done
wait "$ninja_pid"
status=$?
set -e
trap 'rm -f "$log"' EXIT
if [ "$status" -ne 0 ]; then
  grep -v '^\[[0-9]*/[0-9]*\] ' "$log" | tail -n 60 >&2
  echo "error: the build failed (ninja -C build/$preset $*)" >&2
  exit 1
fi
