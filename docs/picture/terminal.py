#!/usr/bin/env python3
"""Makes docs/picture/demo.svg from what the demo really prints.

    cargo run -- demo --once | python3 docs/picture/terminal.py 'cargo run -- demo --once' > docs/picture/demo.svg

Long lines are cut, and so is what comes after the second call: a picture shall be small. Times are left out: they are the machine's.
"""

import re
import sys
from xml.sax.saxutils import escape

COLUMNS, LINES = 96, 17
FONT, LINE_HEIGHT, CHARACTER = 13, 19, 7.83
INK, DIM, ACCENT, PAPER = "#e6e6e6", "#8b949e", "#7ee787", "#161b22"


def cut(line: str) -> str:
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…"


def row(index: int, line: str) -> str:
    line = cut(line)
    label = re.match(r"   (request|body|signed|answer|finish|usage|time):", line)
    verified = line.endswith("(verified)")
    parts = []
    if line.startswith("$ "):
        parts.append(f'<tspan fill="{ACCENT}">$</tspan>{escape(line[1:])}')
    elif label:
        parts.append(f'<tspan fill="{DIM}">{escape(label[0])}</tspan>')
        rest = line[len(label[0]) :]
        if verified:
            rest = rest[: -len("(verified)")]
        parts.append(escape(rest))
        if verified:
            parts.append(f'<tspan fill="{ACCENT}">(verified)</tspan>')
    else:
        parts.append(escape(line))
    return f'<text x="16" y="{46 + index * LINE_HEIGHT}" xml:space="preserve">{"".join(parts)}</text>'


def main() -> None:
    command = sys.argv[1]
    lines = [f"$ {command}"] + [line.rstrip() for line in sys.stdin if not line.startswith("   time:")]
    lines = lines[:LINES]
    width, height = int(COLUMNS * CHARACTER) + 32, 40 + (len(lines) + 1) * LINE_HEIGHT
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="{FONT}" fill="{INK}" role="img">'
    )
    print(f"<title>{escape(command)}</title>")
    print(f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>')
    for index, colour in enumerate(["#ff5f56", "#ffbd2e", "#27c93f"]):
        print(f'<circle cx="{20 + index * 18}" cy="18" r="5" fill="{colour}"/>')
    for index, line in enumerate(lines):
        if line:
            print(row(index, line))
    print("</svg>")


if __name__ == "__main__":
    main()
