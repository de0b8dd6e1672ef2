"""The page of a comparison: one file, nothing loaded from elsewhere, light and dark. Bars are medians of per-round ratios to
the base, whiskers the whole range; shorter is cheaper."""

from html import escape

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --dim: #59636e; --line: #d1d9e0; --bar: #3b6fb6; --own: #c2571a; --back: #fff }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --bar: #6d9eeb; --own: #f0883e; --back: #0d1117 } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 auto; max-width: 60rem;
       padding: 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 1.8rem 0 .3rem } p, dt { color: var(--dim) }
svg { width: 100%; height: auto; display: block } svg text { font-size: 12px; fill: var(--text) }
svg .value { fill: var(--dim) } .bar { fill: var(--bar) } .own { fill: var(--own) } .range, .base { stroke: var(--text) }
.base { stroke-dasharray: 3 3; opacity: .6 }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem } td, th { padding: .2rem .6rem; text-align: right;
       border-bottom: 1px solid var(--line); white-space: nowrap } td:first-child, th:first-child { text-align: left }
"""
ROW, LABEL, CHART, VALUE = 24, 150, 430, 140  # Widths and heights in the units of the drawing.


def ratio_of(entry, base):
    """Median, least, most; the base is 1 to itself."""
    return (1.0, 1.0, 1.0) if entry["server"] == base else entry["ratio"] and tuple(entry["ratio"].values())


def chart(entries, base):
    """Bars of all servers in one case."""
    ratios = [(entry, ratio_of(entry, base)) for entry in entries]
    longest = max([1.2, *(ratio[0] for _, ratio in ratios if ratio)]) * 1.05
    height = ROW * len(entries)
    parts = [f'<svg viewBox="0 0 {LABEL + CHART + VALUE} {height}" role="img">']
    for row, (entry, ratio) in enumerate(ratios):
        middle = ROW * row + ROW / 2
        parts.append(f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(entry["server"])}</text>')
        if ratio:
            median, least, most = (CHART * min(value, longest) / longest for value in ratio)
            kind = "own" if entry["server"].startswith("ringcast") else "bar"
            parts.append(f'<rect class="{kind}" x="{LABEL}" y="{middle - 7}" width="{median:.1f}" height="14"/>')
            parts.append(f'<line class="range" x1="{LABEL + least:.1f}" x2="{LABEL + most:.1f}" y1="{middle}" y2="{middle}"/>')
        parts.append(f'<text class="value" x="{LABEL + CHART + 8}" y="{middle + 4}">{value_text(entry, ratio)}</text>')
    one = LABEL + CHART / longest
    parts.append(f'<line class="base" x1="{one:.1f}" x2="{one:.1f}" y1="0" y2="{height}"/></svg>')
    return "".join(parts)


def value_text(entry, ratio):
    figure = entry["figure"]
    return (f"{ratio[0]:.2f}" if ratio else "-") + (f" · {figure['median']:.3g} {entry['unit']}" if figure else "")


def table(entries):
    columns = {"figure": "server CPU us (memory: bytes)", "syscalls": "system calls", "latency_us_p50": "p50 us",
               "latency_us_p99": "p99 us", "client_cpu_us": "client CPU us"}
    head = "".join(f"<th>{name}</th>" for name in ("server", *columns.values()))
    rows = ""
    for entry in entries:
        cells = "".join(f"<td>{entry[key]['median']:.4g}</td>" if entry[key] else "<td>-</td>" for key in columns)
        rows += f"<tr><td>{escape(entry['server'])}</td>{cells}</tr>"
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def micro_table(micro):
    rows = ""
    for result in micro:
        rate = result["bytes_per_second"]
        rows += (f"<tr><td>{escape(result['program'].removeprefix('bench-'))}: {escape(result['name'])}</td>"
                 f"<td>{result['cpu_ns']:.1f}</td><td>{f'{rate / 1e9:.1f}' if rate else '-'}</td></tr>")
    return ('<h2>Micro benchmarks</h2><div class="wide"><table><tr><th></th><th>CPU ns</th><th>GB/s</th></tr>'
            f"{rows}</table></div>") if micro else ""


def write_page(document, path):
    """`document`: what the JSON file holds."""
    summary = document["summary"]
    cases = list(dict.fromkeys(entry["case"] for entry in summary))
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
             f"<title>ringcast bench</title><style>{STYLE}</style><h1>Cost beside {escape(document['base'])}</h1>",
             f"<p>ringcast {escape(document['commit'])}, Linux {escape(document['kernel'])}, {document['cpus']} CPUs, "
             f"{escape(document['started'])}. Bars: the server's CPU time per message (memory where it says bytes) over that "
             "of the base, median of per-round ratios; lines: all rounds. Shorter is cheaper.</p>"]
    for case in cases:
        entries = [entry for entry in summary if entry["case"] == case]
        parts += [f"<h2>{escape(case)}</h2>", chart(entries, document["base"]), table(entries)]
    parts.append(micro_table(document["micro"]))
    if document["failures"]:
        parts.append("<h2>Failures</h2><ul>" + "".join(f"<li>{escape(text)}</li>" for text in document["failures"]) + "</ul>")
    path.write_text("\n".join(parts) + "\n")
