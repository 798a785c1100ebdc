"""Prints the figures of tests/bench/fleet.sh beside their marks, and saves them. Exits with 1 when one is missed."""
import json
import os
import pathlib
import sys


def rows(steady, more, large):
    one, bare = steady["reply_until_everywhere_ms"], steady["bare_ms"]
    load = steady["load"]
    yield "one change, reply until on all nodes, ms p99", one["p99"], 100
    yield "  as a ratio to a bare gRPC server, p50", one["p50"] / bare["p50"], 1.1
    yield "  as a ratio to a bare gRPC server, p99", one["p99"] / bare["p99"], 1.1
    yield "apply --wait, from start to end, ms p50", steady["apply_wait_ms"]["p50"], 150
    yield f"{load['asked']} changes a second: not reached", load["asked"] - load["reached"], 0.01 * load["asked"]
    yield "  an apply's call, ms p99", load["apply_ms"]["p99"], 50
    yield "  call until on all nodes, ms p99", load["everywhere_ms"]["p99"], 500
    yield "restart until all are back, ms", steady["restart_ms"], 2200
    yield "cold start, ms", steady["cold_start_ms"], 1200
    yield "memory, MiB", steady["memory_mib"], 95
    yield f"{more['nodes']} nodes: one change, reply until on all nodes, ms p99", more["reply_until_everywhere_ms"]["p99"], 300
    size = f"{large['nodes']} nodes, {large['objects']} objects"
    yield f"{size}: ctl apply, ms", large["ctl_apply_ms"]["max"], 2000
    yield f"{size}: ctl get of all of a kind, ms", large["ctl_get_all_ms"]["max"], 1000
    yield f"{size}: memory, MiB", large["memory_after_mib"], 500 * 1e6 / 2**20


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    results = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("steady", "quiet", "large")}
    verdicts = [{"what": what.strip(), "value": value, "mark": mark, "reached": value <= mark}
                for what, value, mark in rows(results["steady"], results["quiet"], results["large"])]
    for what, value, mark in rows(results["steady"], results["quiet"], results["large"]):
        print(f"{'reached' if value <= mark else 'MISSED ':8} {what}: {value:,.2f} (at most {mark:,.2f})")
    results |= {"verdicts": verdicts, "load_average": os.getloadavg(), "processors": os.cpu_count()}
    out.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(verdict["reached"] for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
