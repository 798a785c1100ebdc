#!/usr/bin/env bash
# Format and, with --tidy, clang-tidy over what is ours:
#   tests/lint.sh [--tidy [FILE…]]     without files: all sources (half an hour)
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files '*.cc' '*.h')
clang-format --dry-run --Werror "${sources[@]}"
echo "  ${#sources[@]} files are formatted"
[ "${1:-}" = --tidy ] || exit 0
shift
# The compile commands of the fuzz preset are clang's.
cmake --preset fuzz >/dev/null
deploy/build.sh fuzz sluice_proto sluice_grpc
if [ $# -eq 0 ]; then mapfile -t files < <(git ls-files 'common/*.cc' 'controlplane/*.cc' 'dataplane/*.cc'); else files=("$@"); fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/fuzz --quiet --warnings-as-errors='*'
echo "  ${#files[@]} files pass clang-tidy"
