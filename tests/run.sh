#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: unit, integration, end to end with real
# servers, and the fuzz corpora, all under AddressSanitizer and UndefinedBehaviorSanitizer; then the
# data-plane core again under ThreadSanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/install_packages.sh build test
jobs=$(nproc)

echo "== dev: AddressSanitizer and UndefinedBehaviorSanitizer"
deploy/build.sh dev
ctest --test-dir build/dev --output-on-failure --schedule-random -j "$jobs" --quiet

echo "== tsan: the data-plane core under ThreadSanitizer"
deploy/build.sh tsan sluice_tsan_tests
ctest --test-dir build/tsan -L tsan --output-on-failure --schedule-random -j "$jobs" --quiet

echo "All tests passed."
