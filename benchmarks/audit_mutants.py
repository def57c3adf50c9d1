"""How many mistakes does the audit catch, how many does it name rightly.

And how often does it call right code wrong?

Right implementations (`audit_cases/`) are made wrong by rule, one edit at a time (`audit_rules.py`), and
written otherwise
without a change of value (`audit_variants.py`). Prints a table; `--all` tries every mutant, `--jobs` uses
several processes.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from audit_rules import Mutant, mutants  # noqa: E402
from audit_variants import Variant, variants  # noqa: E402

COLUMNS = ("caught", "line", "words", "named")
CASES = HERE / "audit_cases"
# Helpers that only others call: the functions that show their mistakes.
CALLERS = {"slope": ["L_model_backward"], "layer_forward": ["L_model_forward"]}


def all_mutants() -> Iterator[Mutant]:
    """Give every mutant of every case."""
    for path in sorted(CASES.glob("*.py")):
        yield from mutants(path.read_text(encoding="utf-8"), path.stem)


def all_variants() -> Iterator[Variant]:
    """Give every right variant."""
    for path in sorted(CASES.glob("*.py")):
        yield from variants(path.read_text(encoding="utf-8"), path.stem)


def sample(items: list[Mutant], a_rule: int) -> list[Mutant]:
    """Take so many mutants of each rule, spread over the cases."""
    by_rule: dict[str, list[Mutant]] = {}
    for item in items:
        by_rule.setdefault(item.rule, []).append(item)
    taken: list[Mutant] = []
    for found in by_rule.values():
        step = max(1, len(found) / a_rule)
        taken += [found[int(k * step)] for k in range(min(a_rule, len(found)))]
    return taken


def try_mutant(mutant: Mutant) -> dict[str, object]:
    """Audit the changed function; say whether it was caught and named."""
    from tinygrad_course.audit.file_audit import audit_text

    started = time.perf_counter()
    only = frozenset(CALLERS.get(mutant.function, [mutant.function]))
    report = audit_text(mutant.source, path=mutant.case, only=only)
    functions = [function for function in report.functions if function.name in only]
    wrong = [function for function in functions if function.status == "wrong"]
    findings = [finding for function in wrong for finding in function.findings]
    line = any(mutant.lines[0] <= (finding.line or 0) <= mutant.lines[1] for finding in findings[:2])
    words = any(finding.diagnosis in mutant.names for finding in findings[:2])
    return {
        "rule": mutant.rule,
        "case": mutant.case,
        "function": mutant.function,
        "before": mutant.before,
        "after": mutant.after,
        "lines": mutant.lines,
        "caught": bool(wrong),
        "line": line,
        "words": words,
        "named": line and words,
        "findings": [
            (finding.diagnosis, finding.line, finding.suggestion, finding.message) for finding in findings
        ],
        "seconds": time.perf_counter() - started,
    }


def try_variant(variant: Variant) -> dict[str, object]:
    """Audit a right function; say whether it was called wrong."""
    from tinygrad_course.audit.file_audit import audit_text

    only = frozenset(CALLERS.get(variant.function, [variant.function]))
    report = audit_text(variant.source, path=variant.case, only=only)
    wrong = [function for function in report.functions if function.status == "wrong"]
    return {
        "rule": variant.rule, "case": variant.case, "function": variant.function, "alarm": bool(wrong),
        "unchecked": any(function.status == "unchecked" for function in report.functions),
        "findings": [finding.message for function in wrong for finding in function.findings],
    }  # fmt: skip


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="every mutant (a quarter of an hour), not a sample of each rule"
    )
    parser.add_argument("--a-rule", type=int, default=8, help="mutants of each rule in the sample")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write every result to this file")
    parser.add_argument("--rule", help="only rules whose name contains this")
    parser.add_argument("--no-variants", action="store_true")
    arguments = parser.parse_args()
    everything = [mutant for mutant in all_mutants() if not arguments.rule or arguments.rule in mutant.rule]
    chosen = everything if arguments.all else sample(everything, arguments.a_rule)
    right = [] if arguments.no_variants else list(all_variants())
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(try_mutant, chosen, chunksize=4))
        alarms = list(pool.map(try_variant, right, chunksize=4))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"mutants": results, "variants": alarms}, indent=1, default=str), encoding="utf-8"
        )
    _print(results, alarms, len(everything))
    return 0


def _print(results: list[dict[str, object]], alarms: list[dict[str, object]], total: int) -> None:
    rows: dict[str, Counter[str]] = {}
    for result in results:
        row = rows.setdefault(str(result["rule"]), Counter())
        row.update(
            {"mutants": 1, **{key: int(bool(result[key])) for key in ("caught", "words", "line", "named")}}
        )
    print("| mistake | mutants | caught | line | diagnosis | both |\n|---|--:|--:|--:|--:|--:|")
    for name, row in sorted(rows.items()):
        print(f"| {name} | {row['mutants']} | " + " | ".join(str(row[key]) for key in COLUMNS) + " |")
    count = len(results)
    summed = Counter(
        {key: sum(row[key] for row in rows.values()) for key in ("caught", "words", "line", "named")}
    )
    print(
        f"| **all** ({count} of {total}) | {count} | "
        + " | ".join(str(summed[key]) for key in COLUMNS)
        + " |"
    )
    if count:
        seconds = sorted(float(str(result["seconds"])) for result in results)
        print(
            f"\ncaught {summed['caught'] / count:.1%}, "
            f"named rightly (diagnosis and line) {summed['named'] / count:.1%}"
        )
        print(f"seconds a function: median {seconds[count // 2]:.2f}, longest {seconds[-1]:.2f}")
    if alarms:
        wrong = [alarm for alarm in alarms if alarm["alarm"]]
        print(f"right variants: {len(alarms)}, called wrong: {len(wrong)}")
        for alarm in wrong:
            print("   ", alarm["case"], alarm["function"], alarm["rule"], alarm["findings"])


if __name__ == "__main__":
    raise SystemExit(main())
