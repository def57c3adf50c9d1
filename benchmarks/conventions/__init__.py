"""``python -m benchmarks conventions``: what libraries give where a derivative is a convention, run again.

Prints where the table of docs/conventions.md no longer holds for the libraries that are installed; with
``--write`` their columns become what was found.
"""

from __future__ import annotations

import argparse
import csv
from importlib import metadata
from pathlib import Path

from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS, SECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
#: What the peers gave: a line for each point, a column for each library with its version.
TABLE = Path(__file__).with_name("seen.csv")
BEGIN, END = "<!-- the tables: benchmarks/conventions -->", "<!-- end of the tables -->"
#: Whose users find the rows that differ from ours in one place.
NAMES = {"torch": "PyTorch", "jax": "JAX", "autograd": "autograd", "mygrad": "MyGrad"}
#: What a library calls a function whose points begin so, where that is not NumPy's name.
THERE = {
    "torch": {
        "clip": "torch.clamp",
        "max(": "torch.maximum",
        "min(": "torch.minimum",
        "max [": "torch.max(x), torch.amax; torch.max(x, dim) takes one of them",
        "max by": "torch.amax",
        "min [": "torch.min(x), torch.amin",
        "hard_tanh": "F.hardtanh",
        "max_pool": "F.max_pool2d",
        "mean |a - y|": "F.l1_loss",
        "huber": "F.huber_loss, F.smooth_l1_loss",
        "cross entropy, A": "F.binary_cross_entropy",
        "cross entropy, logits": "F.binary_cross_entropy_with_logits",
        "cross entropy, scores": "F.cross_entropy",
        "norm": "torch.linalg.norm",
        "sqrt(sum": "torch.linalg.norm by hand",
        "softplus": "F.softplus",
        "log(1+exp": "softplus by hand",
        "1/(1+exp": "sigmoid by hand",
        "exp(x)/": "sigmoid by hand",
        "attention": "F.scaled_dot_product_attention",
        "x**": "torch.pow",
        "x %": "torch.remainder",
        "cholesky": "torch.linalg.cholesky",
        "eigvalsh": "torch.linalg.eigvalsh",
    },
    "jax": {
        "abs": "jnp.abs",
        "clip": "jnp.clip",
        "max(": "jnp.maximum",
        "min(": "jnp.minimum",
        "max_pool": "lax.reduce_window",
        "cummax": "lax.cummax",
        "hard_tanh": "nn.hard_tanh",
        "leaky_relu": "nn.leaky_relu",
        "norm": "jnp.linalg.norm",
        "sqrt(sum": "jnp.linalg.norm by hand",
        "log(1+exp": "softplus by hand",
        "1/(1+exp": "sigmoid by hand",
        "exp(x)/": "sigmoid by hand",
        "embedding": "jnp.take",
        "attention": "nn.dot_product_attention",
        "gelu": "nn.gelu(approximate=False)",
        "gelu, tanh": "nn.gelu",
        "x**": "jnp.power",
        "mean |a - y|": "jnp.abs of a loss",
        "arctan2": "jnp.arctan2",
        "cholesky": "jnp.linalg.cholesky",
    },
    "autograd": {},
    "mygrad": {},
}

Seen = dict[str, dict[str, str]]


def read() -> tuple[dict[str, str], Seen]:
    """Return each library's version, and what it gave by point."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        (_, *titles), *lines = csv.reader(file)
    versions = dict(title.split(" ", 1) for title in titles)
    return versions, {name: dict(zip(versions, cells, strict=True)) for name, *cells in lines}


def write(versions: dict[str, str], seen: Seen) -> None:
    """Write what was found, in the order of the points."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["point", *(f"{name} {version}" for name, version in versions.items())])
        for name in POINTS:
            lines.writerow([name, *(seen.get(name, {}).get(peer, "") for peer in versions)])


def row(*cells: str) -> str:
    """Return a line of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def differs(told: str, ours: str) -> bool:
    """Whether a peer has another gradient than this library, or only one of them has an error."""
    return told not in {"", "no rule", ours} and not (is_error(told) and is_error(ours))


def titled(name: str, peer: str) -> str:
    """Return a point's name, with what its function is called there."""
    found = max((start for start in THERE[peer] if name.startswith(start)), key=len, default="")
    return f"{name} ({THERE[peer][found]})" if found else name


def is_error(entry: str) -> bool:
    """Whether an entry is an error's name."""
    return entry.endswith("Error")


def tables() -> str:
    """Return the tables in Markdown: what differs, by library; then all, by section."""
    versions, seen = read()
    lines = []
    for peer, name in NAMES.items():
        other = [(n, seen[n][peer], p) for n, p in POINTS.items() if differs(seen[n][peer], p.ours)]
        lines += [f"## You come from {name}", ""]
        lines += [f"Of {sum(bool(s[peer]) for s in seen.values())} points, {len(other)} differ.", ""]
        lines += [row("function and point", name, "here", "why"), "|--|--|--|--|"]
        lines += [row(titled(n, peer), told, p.ours, p.why) for n, told, p in other]
        names = {n for n, _, _ in other}
        alike = [titled(n, peer) for n in POINTS if n not in names and seen[n][peer] not in {"", "no rule"}]
        lines += ["", "The same in both: " + "; ".join(alike).replace("*", "\\*") + ".", ""]
    lines += [
        "## All points",
        "",
        "Seen with " + ", ".join(" ".join(pair) for pair in versions.items()) + ".",
        "",
    ]
    for section, points in SECTIONS.items():
        lines += [f"### {section}", "", row("function and point", "ours", "second", "why", *versions)]
        lines.append("|" + "--|" * (len(versions) + 4))
        lines += [row(n, p.ours, p.second, p.why, *seen[n].values()) for n, p in points.items()]
        lines.append("")
    return "\n".join(lines)


def written() -> str:
    """Return the page with the tables in their place."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{rest.split(END)[1]}"


def same(told: str, found: str) -> bool:
    """Whether an entry of the table is what was found; an error counts as one, whatever its name."""
    return told == found or (is_error(told) and is_error(found))


def run(options: argparse.Namespace) -> int:
    """Run every library at every point; return 1 if an entry does not hold."""
    versions, seen = read()
    wrong = 0
    for column, make in {"ours": peers.of_ours, **peers.PEERS}.items():
        try:
            gradient = make()
        except ImportError:
            print(f"{column}: not installed")
            continue
        if column != "ours":
            found = metadata.version(column).split("+")[0]
            if found != versions[column]:
                print(f"{column}: {found} is installed, the table is of {versions[column]}")
            versions[column] = found
        for name, point in POINTS.items():
            told = point.ours if column == "ours" else seen.get(name, {}).get(column, "")
            found = peers.seen(gradient, point.f, point.x)
            if not same(told, found):
                wrong += 1
                print(f"{column}: {name} gives {found}, the table has {told or 'nothing'}")
            if column != "ours":
                seen.setdefault(name, {})[column] = found
        print(f"{column}: {len(POINTS)} entries tried")
    if options.write:
        write(versions, seen)
        PAGE.write_text(written(), encoding="utf-8")
    return 1 if wrong else 0
