"""The innermost part of a product of matrices, in LLVM's own language: what is in which register."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def vector_bytes() -> int:
    """Return the size of this processor's vector registers."""
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def tile_text(name: str, number: str, sizes: list[int], arguments: list[Any]) -> list[str]:
    """Return what sums x[start + l * down + r * over] * left[origin + l * pitch + i] over l < count.

    The sums, for each r < rows and i < width, go to ``sums[at + r * apart + i]``, or are added to what is
    there if `more`; the width fills vectors of so many lanes, and one that has fewer. Beside that,
    x[ahead + l * pace] is called into the cache.
    Names begin with `name`, entries are of the type `number`. The arguments: x, start, down, over, left,
    sums, at, count, more, and either ahead, pace (origin is 0, and the rows of left and sums lie one after
    the other) or origin, pitch, apart (nothing is called into the cache).
    """
    rows, width, lanes = sizes[0], sizes[1], min(sizes[1:])
    x, start, down, over, left, sums, at, count, more, *rest = arguments
    ahead, pace = rest if len(rest) == 2 else (None, None)
    origin, pitch, apart = [a.text for a in rest] if ahead is None else ["0", str(width), str(width)]
    vector = f"<{lanes} x {number}>"
    vectors = [f"<{min(lanes, width - i)} x {number}>" for i in range(0, width, lanes)]
    first = f"<{width % lanes} x i32> <{', '.join(f'i32 {i}' for i in range(width % lanes))}>"
    cells = [(r, v) for r in range(rows) for v in range(len(vectors))]
    lines = [f"br label %{name}.before", f"{name}.before:", f"br label %{name}", f"{name}:"]

    def phi(what: str, begin: str, kind: str = "i64") -> None:
        lines.append(
            f"%{name}.{what} = phi {kind} [ {begin}, %{name}.before ], [ %{name}.{what}.next, %{name} ]"
        )

    phi("step", "0")
    phi("place", start.text)
    phi("first", origin)
    if ahead is not None:
        phi("ahead", ahead.text)
    for r, v in cells:
        phi(f"s{r}.{v}", "zeroinitializer", vectors[v])

    def load(what: str, array: Any, index: str, v: int) -> None:
        lines.extend([
            f"%{what}.i = add i64 {index}, {v * lanes}",
            f"%{what}.p = getelementptr {number}, ptr {array.data}, i64 %{what}.i",
            f"%{what} = load {vectors[v]}, ptr %{what}.p, align 1",
        ])  # fmt: skip

    for v in range(len(vectors)):
        load(f"{name}.l{v}", left, f"%{name}.first", v)
    for r in range(rows):
        one = f"%{name}.x{r}"
        lines += [
            f"{one}.o = mul i64 {over.text}, {r}",
            f"{one}.i = add i64 %{name}.place, {one}.o",
            f"{one}.p = getelementptr {number}, ptr {x.data}, i64 {one}.i",
            f"{one} = load {number}, ptr {one}.p, align 1",
            f"{one}.a = insertelement {vector} poison, {number} {one}, i32 0",
            f"{one}.v0 = shufflevector {vector} {one}.a, {vector} poison, <{lanes} x i32> zeroinitializer",
        ]
        if vectors[-1] != vector:  # the part of it that is there, without making that by itself
            lines += [
                f'{one}.w = call {vector} asm "", "=v,0"({vector} {one}.v0)',
                f"{one}.v{len(vectors) - 1} = shufflevector {vector} {one}.w, {vector} poison, {first}",
            ]
        for v, kind in enumerate(vectors):
            spread = f"{one}.v{v}" if kind != vector else f"{one}.v0"
            lines += [
                f"{one}.{v} = fmul contract {kind} {spread}, %{name}.l{v}",
                f"%{name}.s{r}.{v}.next = fadd contract {kind} %{name}.s{r}.{v}, {one}.{v}",
            ]
    if ahead is not None and pace is not None:
        lines += [
            f"%{name}.cache = getelementptr {number}, ptr {x.data}, i64 %{name}.ahead",
            f"call void @llvm.prefetch.p0(ptr %{name}.cache, i32 0, i32 3, i32 1)",
            f"%{name}.ahead.next = add i64 %{name}.ahead, {pace.text}",
        ]
    lines += [
        f"%{name}.step.next = add i64 %{name}.step, 1",
        f"%{name}.place.next = add i64 %{name}.place, {down.text}",
        f"%{name}.first.next = add i64 %{name}.first, {pitch}",
        f"%{name}.on = icmp slt i64 %{name}.step.next, {count.text}",
        f"br i1 %{name}.on, label %{name}, label %{name}.end",
        f"{name}.end:",
    ]
    for r, v in cells:
        known, made = f"{name}.k{r}.{v}", f"%{name}.s{r}.{v}.next"
        if not v:
            lines.append(f"%{known}.r = mul i64 {apart}, {r}")
            lines.append(f"%{name}.k{r} = add i64 {at.text}, %{known}.r")
        load(known, sums, f"%{name}.k{r}", v)
        lines += [
            f"%{known}.sum = fadd {vectors[v]} {made}, %{known}",
            f"%{known}.whole = select i1 {more.text}, {vectors[v]} %{known}.sum, {vectors[v]} {made}",
            f"store {vectors[v]} %{known}.whole, ptr %{known}.p, align 1",
        ]
    return lines
