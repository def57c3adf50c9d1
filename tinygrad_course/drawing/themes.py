"""The colours of pictures: light, dark, and a slide that is read from the last row."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours (as #rrggbb) and sizes of a picture."""

    background: str  #: the paper, the text, and text of less weight
    ink: str
    muted: str
    line: str  #: forward arrows
    gradient: str  #: gradients and backward arrows
    #: the ground and the border of a "variable" (a box that a gradient is wanted for, W1), of "data" (a
    #: constant array, X), of a "result" (named, Z1), of the "cost", of an "operation" (the circles) and of a
    #: "group" (what a layer stands on)
    kinds: dict[str, tuple[str, str]]
    size: float = 13.0  #: the size of the text in points
    weight: float = 1.2  #: the width of lines


THEMES = {
    "light": Theme("#ffffff", "#1b2430", "#6b7685", "#4a5565", "#d0202b", {
        "variable": ("#e7f0fd", "#4a7fc9"), "data": ("#f1f3f6", "#a3adba"), "result": ("#ffffff", "#8b96a5"),
        "cost": ("#fff3d6", "#d69a1c"), "operation": ("#ffffff", "#4a5565"), "group": ("#f8fafc", "#dde3ea"),
    }),
    "dark": Theme("#12171e", "#e8edf3", "#93a0b0", "#aab6c4", "#ff6b6b", {
        "variable": ("#1a2c47", "#5f95df"), "data": ("#222a34", "#5c6877"), "result": ("#161d26", "#6f7c8c"),
        "cost": ("#3a2f14", "#e0aa3e"), "operation": ("#1c242e", "#aab6c4"), "group": ("#171e27", "#2b3541"),
    }),
    "slide": Theme("#ffffff", "#0b1118", "#4d5866", "#2a3441", "#c8000c", {
        "variable": ("#dbe9ff", "#1f5fb8"), "data": ("#eceff3", "#7b8796"), "result": ("#ffffff", "#4d5866"),
        "cost": ("#ffeab8", "#b87800"), "operation": ("#ffffff", "#0b1118"), "group": ("#f5f8fb", "#cfd7e0"),
    }, size=18.0, weight=2.0),
}  # fmt: skip


def theme(name: str) -> Theme:
    """Return a theme by name; raise ValueError if there is none of that name."""
    if name not in THEMES:
        raise ValueError(f"there is no theme {name!r}; the themes are {', '.join(THEMES)}")
    return THEMES[name]
