# SPDX-License-Identifier: Apache-2.0
"""What was measured, as a table and as a chart."""

from html import escape
from statistics import median

COLORS = {"skiff": "#0b6e99", "plain write": "#999999"}
OTHER = "#d6a55c"
BAR, GAP, LABEL, WIDTH = 14, 26, 130, 760


def _medians(runs):
    return [median(run[i] for run in runs) for i in range(4)]


def _ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else ""


def _cranes_fastest(tools):
    """Of the ways in which crane does the job: `crane append` leaves a part of it undone."""
    ways = [_medians(runs) for name, runs in tools.items()
            if name.startswith("crane") and name != "crane append" and runs]
    return [min(way[i] for way in ways) for i in range(4)] if ways else [0] * 4


def table(results):
    """Medians, how they compare with crane's fastest way, and what skiff is to reach."""
    lines = ["| job | tool | wall s (min to max) | CPU s | peak MB | wall / crane's | goal "
             "| CPU / crane's | memory / crane's | new layers MB | runs |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for job, tools in results:
        crane = _cranes_fastest(tools)
        for name, runs in tools.items():
            if not runs:
                continue
            found = _medians(runs)
            walls = [run[0] for run in runs]
            wall, cpu, memory = (_ratio(found[i], crane[i]) for i in range(3))
            goal = f"{job.goal:.2f}" if name == "skiff" else ""
            lines.append(f"| {job.key}: {job.title} | {name} | **{found[0]:.3f}** "
                         f"({min(walls):.3f} to {max(walls):.3f}) | {found[1]:.2f} "
                         f"| {found[2]:.1f} | {wall} | {goal} | {cpu} | {memory} "
                         f"| {found[3]:.1f} | {len(runs)} |")
        if tools.get("skiff") and tools.get("plain write"):
            ratio = _ratio(_medians(tools["skiff"])[0], _medians(tools["plain write"])[0])
            lines.append(f"| {job.key} | skiff / plain write |||| {ratio} | 1.10 |||||")
        if job.gzip_6_mb:
            lines.append(f"| {job.key} | size: gzip -6 |||||||| {job.gzip_6_mb:.1f} ||")
    return "\n".join(lines) + "\n"


def chart(results):
    """A bar for each tool's median wall time, on a scale of its own for each job."""
    parts, y = [], 10
    for job, tools in results:
        walls = {name: _medians(runs)[0] for name, runs in tools.items() if runs}
        if not walls:
            continue
        parts.append(f'<text x="0" y="{y + 12}" font-weight="bold">{escape(job.title)}</text>')
        y += 20
        # What is much slower than the rest would leave it without a length to see.
        longest = min(max(walls.values()), 6 * min(walls.values()))
        for name, wall in walls.items():
            room = WIDTH - LABEL - 90
            length = max(1, room * min(wall, longest) / longest)
            more = " →" if wall > longest else ""
            parts.append(f'<text x="{LABEL - 6}" y="{y + 11}" text-anchor="end">'
                         f'{escape(name)}</text>'
                         f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" '
                         f'fill="{COLORS.get(name, OTHER)}"/>'
                         f'<text x="{LABEL + length + 6:.1f}" y="{y + 11}">'
                         f'{wall:.2f} s{more}</text>')
            y += BAR + 4
        y += GAP - 8
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            f'viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def write(results, folder):
    (folder / "table.md").write_text(table(results), encoding="utf-8")
    (folder / "chart.svg").write_text(chart(results), encoding="utf-8")
