#!/usr/bin/env bash
# From nothing to live traffic on a fresh Debian 12 machine: installs what is missing, builds, starts a
# control plane and a data plane with a real Redis and a real DNS server behind them, and changes the
# upstream while a session is open. Stops everything again; --keep leaves it running.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=false
case "${1:-}" in
  '') ;;
  --keep) keep=true ;;
  *) echo "usage: $0 [--keep]" >&2; exit 2 ;;
esac

api=127.0.0.1:7070 xds=127.0.0.1:7071 admin=127.0.0.1:7072
cache_port=16379 resolver_port=15353           # The listeners of deploy/examples/quickstart.yaml.
redis_a=26379 redis_b=26380 dns=25353          # The endpoints.
bin=build/release/bin

step() { printf '\n== %s\n' "$*"; }
fail() { echo "error: $*" >&2; exit 1; }
show() { printf '$ %s\n' "$*"; "$@"; }

deploy/install_packages.sh build demo

step "Building (release preset)"
deploy/build.sh release sluice-controlplane sluice-dataplane ctl

for port in "${api##*:}" "${xds##*:}" "${admin##*:}" $cache_port $redis_a $redis_b; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fail "TCP port $port of 127.0.0.1 is taken by another program; stop it ('ss -ltnp sport = :$port' names it) and run this again"
  fi
done
for port in $resolver_port $dns; do
  hex=$(printf '%04X' "$port")
  if grep -qE "^ *[0-9]+: [0-9A-F]{8}:$hex " /proc/net/udp; then
    fail "UDP port $port is taken by another program; stop it ('ss -lunp sport = :$port' names it) and run this again"
  fi
done

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-quickstart-XXXXXX")
pids=()
stop_all() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# start NAME command…: in the background, output in $work/NAME.log.
start() {
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
}
# wait_for WHAT NAME command…: until the command succeeds; shows NAME's log when it never does.
wait_for() {
  local what=$1 name=$2
  shift 2
  for _ in $(seq 200); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.05
  done
  tail -n 20 "$work/$name.log" >&2
  fail "$what did not come up within 10 s; its output is above"
}

step "Starting two Redis servers and a DNS server (the endpoints)"
for port in $redis_a $redis_b; do
  start "redis-$port" redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work"
  wait_for "Redis on port $port" "redis-$port" redis-cli -p "$port" ping
  redis-cli -p "$port" set whoami "redis on port $port" >/dev/null
done
start dns dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user= --group= \
  --pid-file= --listen-address=127.0.0.1 --bind-interfaces --port=$dns --address=/quickstart.test/192.0.2.53
wait_for "dnsmasq" dns dig +short +tries=1 +time=1 -p $dns @127.0.0.1 quickstart.test

step "Starting the control plane and a data plane"
start controlplane "$bin/sluice-controlplane" --api $api --xds $xds --store "sqlite:$work/store.db"
start dataplane "$bin/sluice-dataplane" --node quickstart-1 --label role=gateway --control-plane $xds \
  --admin $admin --state-dir "$work/state" --access-log "$work/access.log" --shutdown-delay 0s
export SLUICE_SERVER=$api
wait_for "the control plane" controlplane "$bin/ctl" get listeners
wait_for "the data plane" dataplane curl -fs "http://$admin/healthz"
wait_for "the data plane's stream to the control plane" dataplane "$bin/ctl" get dataplane quickstart-1

step "Applying deploy/examples/quickstart.yaml"
show "$bin/ctl" apply --wait deploy/examples/quickstart.yaml

step "Real traffic through both listeners"
show redis-cli -p $cache_port get whoami
show dig +short -p $resolver_port @127.0.0.1 quickstart.test
echo "\$ redis-benchmark -p $cache_port -q -n 20000 -c 50 -t get,set"
redis-benchmark -p $cache_port -q -n 20000 -c 50 -t get,set | tr '\r' '\n' | grep 'requests per second' ||
  fail "the load through the listener failed"

step "Changing the upstream while a session is open"
exec {session}<>"/dev/tcp/127.0.0.1/$cache_port"
ask_session() {
  printf 'GET whoami\r\n' >&"$session"
  local length answer
  read -r -t 5 -u "$session" length && read -r -t 5 -u "$session" answer || fail "the open session was lost"
  echo "${answer%$'\r'}"
}
echo "open session, before: $(ask_session)"
show "$bin/ctl" endpoints add cache 127.0.0.1:$redis_b --wait
show "$bin/ctl" endpoints remove cache 127.0.0.1:$redis_a --wait
echo "open session, after:  $(ask_session)   <- survived"
echo "new session:          $(redis-cli -p $cache_port get whoami)"
exec {session}>&-

step "The fleet"
show "$bin/ctl" fleet
show "$bin/ctl" get listeners

step "The last access records"
sleep 0.2
tail -n 3 "$work/access.log"

if $keep; then
  trap - EXIT
  cat <<END

Everything still runs. Try:
  export SLUICE_SERVER=$api PATH=$PWD/$bin:\$PATH
  ctl get all
  ctl describe upstream cache
  redis-cli -p $cache_port
  ctl endpoints drain cache 127.0.0.1:$redis_b
  curl http://$admin/metrics
Logs are in $work. Stop everything with:
  kill ${pids[*]}; rm -rf $work
END
else
  step "Stopping everything"
  stop_all
  trap - EXIT
  echo "Done. Run it with --keep to play with it."
fi
