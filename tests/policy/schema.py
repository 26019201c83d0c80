# SPDX-License-Identifier: GPL-2.0-only
"""The printed JSON Schema against the golden policies: schema.py SCHEMA.json

It accepts every good policy and its canonical form, and refuses the bad ones that a schema can
tell. Values are resolved as YAML 1.2 editors do (`off` is a word), not as PyYAML does by default.
"""
import glob
import json
import re
import sys

import jsonschema
import yaml


class Core(yaml.SafeLoader):
    """SafeLoader with the resolvers of the YAML 1.2 core schema."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))

# What the schema has to see by itself; the rest needs the whole policy, or bytes.
REFUSED = ("21-", "22-", "23-", "25-", "26-", "28-", "39-", "40-", "41-", "42-")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = accepted = refused = 0

    for ok in sorted(glob.glob("[0-9][0-9]-*.ok")):
        for name in (ok, ok[:-3] + ".yaml"):
            with open(name, encoding="utf-8") as f:
                for error in validator.iter_errors(yaml.load(f, Core)):
                    print(f"{name}: the schema refuses it: {error.json_path}: {error.message}")
                    wrong += 1
            accepted += 1
    for bad in sorted(glob.glob("[0-9][0-9]-*.err")):
        if not bad.startswith(REFUSED):
            continue
        name = bad[:-4] + ".yaml"
        with open(name, encoding="utf-8") as f:
            if validator.is_valid(yaml.load(f, Core)):
                print(f"{name}: the schema accepts it")
                wrong += 1
        refused += 1
    if accepted < 2 or refused != len(REFUSED):
        print(f"only {accepted} good and {refused} bad policies were tried")
        wrong += 1
    return 1 if wrong else 0


sys.exit(main())
