#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each over its corpus:
#   tests/fuzz/run.sh SECONDS [TARGET…]
# What libFuzzer finds is left in build/fuzz/findings/TARGET/ and fails the run; inputs that reach
# new code are kept in build/fuzz/corpus/TARGET/, beside the corpus that the repository has.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: tests/fuzz/run.sh SECONDS [TARGET…]}
shift
deploy/build.sh fuzz sluice_fuzz_targets
mapfile -t targets < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else ls tests/fuzz/corpus; fi)
failed=()

run_target() {
  local target=$1
  local found=build/fuzz/findings/$target kept=build/fuzz/corpus/$target
  local binary
  binary=$(find build/fuzz/tests/fuzz -type f -name "$target" -perm -u+x)
  [ -n "$binary" ] || { echo "error: no fuzz target '$target'" >&2; return 1; }
  mkdir -p "$found" "$kept"
  local dictionary=()
  [ ! -f "tests/fuzz/dictionaries/$target.dict" ] || dictionary=(-dict="tests/fuzz/dictionaries/$target.dict")
  "$binary" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$found/" "${dictionary[@]}" "$kept" "tests/fuzz/corpus/$target" >"$found/log" 2>&1
}

for target in "${targets[@]}"; do
  if run_target "$target"; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/findings/$target/log")
    printf '  %-22s %s s, %s inputs\n' "$target" "$seconds" "$runs"
  else
    failed+=("$target")
    grep -v '^#' "build/fuzz/findings/$target/log" | tail -n 60 >&2 || true
    echo "error: $target has found something: build/fuzz/findings/$target/" >&2
  fi
done
[ ${#failed[@]} -eq 0 ] || { echo "error: failed: ${failed[*]}" >&2; exit 1; }
