#!/usr/bin/env bash
# Installs what is missing of deploy/packages.txt:  deploy/install_packages.sh build [test] [demo]
# Needs root only when something is missing.
set -euo pipefail
list="$(dirname "$0")/packages.txt"

missing=()
while read -r package uses; do
  case "$package" in '' | '#'*) continue ;; esac
  for wanted in "$@"; do
    case " $uses " in
      *" $wanted "*)
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing+=("$package")
        break ;;
    esac
  done
done <"$list"

[ ${#missing[@]} -eq 0 ] && exit 0
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
  echo "error: these packages are missing and only root can install them; run once as root: $0 $*" >&2
  exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# Package scripts start no services: the policy below is taken away again.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  trap 'rm -f "$log" "$policy"' EXIT
fi
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "error: apt-get could not install the packages above" >&2
  exit 1
fi
