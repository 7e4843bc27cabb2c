#!/usr/bin/env python3
"""A preprocessor of mdBook: links that leave the guide (`../deploy/...`) go to the repository, as the book has no such pages."""

import json
import re
import sys

REPOSITORY = "https://github.com/sagewire/sagewire/blob/main/"


def rewrite(items: list) -> None:
    for item in items:
        if isinstance(item, dict) and "Chapter" in item:
            chapter = item["Chapter"]
            # Pages of a folder below (`adr/`) reach the project's folder one step later.
            depth = (chapter.get("path") or "").count("/") + 1
            chapter["content"] = re.sub(r"\]\((?:\.\./){%d}(?!\.\./)" % depth, "](" + REPOSITORY, chapter["content"])
            rewrite(chapter["sub_items"])


def main() -> None:
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    rewrite(book.get("items") or book.get("sections") or [])
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    main()
