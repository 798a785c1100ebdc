"""One bar chart a workload, as SVG text: CPU per unit of each target, nginx with one worker = 1."""
from xml.sax.saxutils import escape


def svg(work, rows):
    bars = [(row["target"], row["ratio"]) for row in rows if row["ratio"] is not None]
    widest = max(ratio for _, ratio in bars)
    height = 56 + 26 * len(bars)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-family="sans-serif" font-size="13">',
             f'<rect width="720" height="{height}" fill="#ffffff"/>',
             f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(work.title)}</text>',
             '<text x="12" y="40" fill="#666666">CPU of the proxy per unit of work; nginx with 1 worker = 1; less is better</text>']
    for index, (name, ratio) in enumerate(bars):
        y = 50 + 26 * index
        width = max(2, 400 * ratio / widest)
        colour = "#2a7f62" if name.startswith("sluice") else "#9aa5b1"
        lines.append(f'<text x="220" y="{y + 15}" text-anchor="end">{escape(name)}</text>')
        lines.append(f'<rect x="228" y="{y + 2}" width="{width:.0f}" height="18" fill="{colour}"/>')
        lines.append(f'<text x="{234 + width:.0f}" y="{y + 15}">{ratio:.2f}</text>')
    return "\n".join(lines + ["</svg>"]) + "\n"
