"""The colours of pictures: light, dark, and a slide that is read from the last row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours (as #rrggbb) and sizes of a picture.

    Attributes
    ----------
    name : str
        What `render` is told.
    background, ink, muted : str
        The paper, the text, and text of less weight.
    line : str
        Forward arrows.
    gradient : str
        Gradients and backward arrows.
    variable, variable_line : str
        A box that a gradient is wanted for (W1, b1), and its border.
    data, data_line : str
        A constant array (X, Y).
    result, result_line : str
        A named intermediate result (Z1).
    cost, cost_line : str
        What the graph was drawn from.
    operation, operation_line : str
        The circles.
    group, group_line : str
        The ground that a layer stands on.
    size : float
        The size of the text in points.
    weight : float
        The width of lines.
    """

    name: str
    background: str
    ink: str
    muted: str
    line: str
    gradient: str
    variable: str
    variable_line: str
    data: str
    data_line: str
    result: str
    result_line: str
    cost: str
    cost_line: str
    operation: str
    operation_line: str
    group: str
    group_line: str
    size: float = 13.0
    weight: float = 1.2

    def of(self, kind: str) -> tuple[str, str]:
        """Return the ground and the border of a kind of box."""
        return getattr(self, kind), getattr(self, f"{kind}_line")


LIGHT = Theme(
    name="light", background="#ffffff", ink="#1b2430", muted="#6b7685", line="#4a5565", gradient="#d0202b",
    variable="#e7f0fd", variable_line="#4a7fc9", data="#f1f3f6", data_line="#a3adba",
    result="#ffffff", result_line="#8b96a5", cost="#fff3d6", cost_line="#d69a1c",
    operation="#ffffff", operation_line="#4a5565", group="#f8fafc", group_line="#dde3ea",
)  # fmt: skip

DARK = Theme(
    name="dark", background="#12171e", ink="#e8edf3", muted="#93a0b0", line="#aab6c4", gradient="#ff6b6b",
    variable="#1a2c47", variable_line="#5f95df", data="#222a34", data_line="#5c6877",
    result="#161d26", result_line="#6f7c8c", cost="#3a2f14", cost_line="#e0aa3e",
    operation="#1c242e", operation_line="#aab6c4", group="#171e27", group_line="#2b3541",
)  # fmt: skip

SLIDE = Theme(
    name="slide", background="#ffffff", ink="#0b1118", muted="#4d5866", line="#2a3441", gradient="#c8000c",
    variable="#dbe9ff", variable_line="#1f5fb8", data="#eceff3", data_line="#7b8796",
    result="#ffffff", result_line="#4d5866", cost="#ffeab8", cost_line="#b87800",
    operation="#ffffff", operation_line="#0b1118", group="#f5f8fb", group_line="#cfd7e0",
    size=18.0, weight=2.0,
)  # fmt: skip

THEMES = {theme.name: theme for theme in (LIGHT, DARK, SLIDE)}


def theme(name: str | Theme) -> Theme:
    """Return a theme by name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if isinstance(name, Theme):
        return name
    if name not in THEMES:
        raise ValueError(f"there is no theme {name!r}; the themes are {', '.join(THEMES)}")
    return THEMES[name]
