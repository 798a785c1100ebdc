#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: unit, integration, end to end with real
# servers, and the fuzz corpora, all under AddressSanitizer and UndefinedBehaviorSanitizer; then the
# data-plane core again under ThreadSanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install_packages.sh build test
# More than the cores: many tests mostly wait.
jobs=$(($(nproc) + 1))

# Prints what failed, in full, and the sums; what passed is only counted.
run_tests() {
  ctest --output-on-failure --no-tests=error --schedule-random -j "$jobs" "$@" |
    { grep -vE '^ *Start +[0-9]+: | Passed +[0-9.]+ sec$' || true; }
}

echo "== format"
tests/lint.sh

echo "== dev: AddressSanitizer and UndefinedBehaviorSanitizer"
deploy/build.sh dev
run_tests --test-dir build/dev

echo "== tsan: the data-plane core under ThreadSanitizer"
deploy/build.sh tsan sluice_tsan_tests
run_tests --test-dir build/tsan -L tsan

echo "All tests passed."
