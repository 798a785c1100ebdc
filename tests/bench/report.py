"""results.md out of results.json: every row with its figure, its bar and its chart."""


def number(value, digits=2):
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" if abs(value) < 1000 else f"{value:,.0f}"


def verdict_lines(verdicts):
    yield "| figure | value | to reach | |"
    yield "| --- | ---: | ---: | --- |"
    for verdict in verdicts:
        yield (f"| {verdict['what']} | {number(verdict['value'], 3)} | at most {verdict['bar']} | "
               f"{'reached' if verdict['reached'] else '**missed**'} |")
    yield ""


def markdown(results):
    """Written by the suite, never by hand."""
    machine = results["machine"]
    yield "# Results"
    yield ""
    yield (f"Made by `tests/bench/run.sh`: {results['rounds']} rounds of {results['seconds']:g} s, {machine['cpus']} CPUs, "
           f"Linux {machine['kernel']}. [How to read them](README.md).")
    yield ""
    for name, workload in results["workloads"].items():
        yield f"## {workload['title']}"
        yield ""
        yield f"A unit is one {workload['unit']}."
        yield ""
        yield from verdict_lines(workload["verdicts"])
        yield "| target | CPU ÷ nginx | proxy CPU µs | machine CPU µs | system calls | units/s | p50 µs | p99 µs | lost |"
        yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        for row in workload["rows"]:
            yield (f"| {row['target']} | {number(row['ratio'], 3)} | {number(row['cpu_us'])} | {number(row['machine_us'])} | "
                   f"{number(row['system_calls'])} | {number(row['rate'])} | {number(row['p50_us'], 0)} | {number(row['p99_us'], 0)} | "
                   f"{row['lost']} |")
        yield ""
        yield f"![{workload['title']}]({name}.svg)"
        yield ""
    if results["instructions"]:
        yield "## User instructions a unit, by callgrind"
        yield ""
        yield "| unit | who | instructions |"
        yield "| --- | --- | ---: |"
        for unit, by_who in results["instructions"].items():
            for who, value in by_who.items():
                yield f"| {unit} | {who} | {number(value, 0)} |"
        yield ""
    if results["fleet"]:
        yield "## Memory, updates, start, swaps"
        yield ""
        for name, outcome in results["fleet"].items():
            yield f"### {name}"
            yield ""
            yield from verdict_lines(outcome["verdicts"])
            for target, bytes_a_session in outcome.get("bytes_a_session", {}).items():
                yield f"- {target}: {number(bytes_a_session, 0)} B a session, {number(outcome['bytes_left_a_session'][target], 0)} B left after they closed"
            if "bytes_a_session" in outcome:
                yield ""
            for key in ("apply_ms", "in_force_after_reply_ms"):
                if key in outcome:
                    yield f"- {key.replace('_', ' ')}: " + ", ".join(f"{k} {number(v)}" for k, v in outcome[key].items())
            if "apply_ms" in outcome:
                yield ""


def write(folder, results):
    (folder / "results.md").write_text("\n".join(markdown(results)).rstrip() + "\n")
