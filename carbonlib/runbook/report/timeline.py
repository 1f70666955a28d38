"""The steps of a run on a time axis, as SVG that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from ..model import NotebookResult

_LEFT, _WIDTH, _ROW, _TOP = 190, 1000, 22, 24
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)


def timeline(notebooks: Sequence[NotebookResult], run_started: str) -> str:
    """The drawing; empty when nothing has run."""
    zero = datetime.fromisoformat(run_started)
    bars = [
        (n, max(0.0, (datetime.fromisoformat(n.started_at) - zero).total_seconds()), n.seconds)
        for n in notebooks
        if n.started_at and n.verdict != "resumed"
    ]
    if not bars:
        return ""
    end = max(start + length for _, start, length in bars) or 1.0
    scale = (_WIDTH - _LEFT - 70) / end
    height = _TOP + _ROW * len(bars) + 6
    parts = [f'<svg class="timeline" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Steps over time">']
    parts += _axis(end, scale, height)
    for row, (notebook, start, length) in enumerate(bars):
        y, x, width = _TOP + _ROW * row, _LEFT + start * scale, max(2.0, length * scale)
        parts.append(
            f'<g class="{escape(notebook.verdict)}"><title>{escape(f"{notebook.id} {notebook.title}")}</title>'
            f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(notebook.id)}</text>'
            f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 8}" rx="3"/>'
            f'<text class="soft" x="{x + width + 5:.1f}" y="{y + 14}">{length:.1f} s</text></g>'
        )
    return "".join([*parts, "</svg>"])


def _axis(end: float, scale: float, height: int) -> list[str]:
    step = next((s for s in _STEPS if end / s <= 8), _STEPS[-1])
    parts, at = [], 0.0
    while at <= end:
        x = _LEFT + at * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 4}" y2="{height}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="14" text-anchor="middle">{at:g} s</text>')
        at = round(at + step, 6)
    return parts
