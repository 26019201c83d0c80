#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Do the policy's tests see a difference? Breaks one comparison, constant or answer of policy/*.c at a
time, drawn by lot, and expects a unit test of the policy or a golden one to fail.

    mutate.py BUILD [COUNT [SEED]]    BUILD: where it was built; works on copies in $TMPDIR

A survivor is no failure by itself: some mutants do what the original does. Read each.
"""
import glob
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

CHANGES = [
    (r"==", "!="), (r"!=", "=="), (r"<=", "<"), (r">=", ">"), (r" < ", " <= "), (r" > ", " >= "),
    (r"&&", "||"), (r"\|\|", "&&"), (r"\(!(?!=)", "("), (r" \+ 1\b", " + 0"), (r" - 1\b", " - 0"),
    (r"return -[A-Z]+;", "return 0;"), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bbreak;", ";"), (r"\bcontinue;", ";"),
]
TIMEOUT = 120  # of a test: a mutant may run for ever


def sites():
    found = []
    for path in sorted(glob.glob("policy/*.c")):
        comment = False
        for number, line in enumerate(open(path, encoding="utf-8").read().splitlines()):
            code = line.strip()
            comment = comment or code.startswith("/*")
            if not comment and not code.startswith(("#", "//", "_Static")):
                for before, after in CHANGES:
                    found += [(path, number, m.span(), after) for m in re.finditer(before, line)]
            comment = comment and not code.endswith("*/")
    return found


def build(tree, out, tests):
    cmd = ["make", "-s", "-C", tree, f"B={out}", "WARN=-w", f"{out}/bpfguard"]
    return subprocess.run(cmd + tests, capture_output=True, text=True, timeout=600)


def noticed(tree, out, tests):
    """The name of the first test that fails, or None."""
    for cmd in tests + [[f"{tree}/tests/policy/run.sh", f"{out}/bpfguard"]]:
        try:
            done = subprocess.run(cmd, cwd=tree, capture_output=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return "a test did not end"
        if done.returncode:
            return os.path.basename(cmd if isinstance(cmd, str) else cmd[0])
    return None


def copies(built, tree, work):
    """The tree as it stands, and what was built from it. Returns the unit tests of the policy."""
    files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout
    for name in files.splitlines():
        os.makedirs(os.path.dirname(f"{tree}/{name}"), exist_ok=True)
        shutil.copy2(name, f"{tree}/{name}")
    big = shutil.ignore_patterns("fuzz", "loader-tests", "live", "vm")
    shutil.copytree(built, work, symlinks=True, ignore=big)
    sources = glob.glob("tests/unit/test_policy_*.c")
    return [f"{work}/unit/{os.path.basename(t)[:-2]}" for t in sources]


def mutate(built, out, count, seed):
    tree, work = f"{out}/tree", f"{out}/build"
    tests = copies(built, tree, work)
    found = sites()
    drawn = random.Random(seed).sample(found, min(count, len(found)))
    first = build(tree, work, tests)
    if first.returncode or noticed(tree, work, tests):
        sys.exit(f"mutate: the original does not pass: {first.stderr}")
    killed = invalid = survived = 0
    for path, number, (start, end), after in drawn:
        text = open(path, encoding="utf-8").read()
        lines = text.split("\n")
        was = lines[number]
        lines[number] = was[:start] + after + was[end:]
        with open(f"{tree}/{path}", "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        name = f"{path}:{number + 1}: {was.strip()} -> {lines[number].strip()}"
        if build(tree, work, tests).returncode:
            invalid += 1
        else:
            by = noticed(tree, work, tests)
            killed += by is not None
            survived += by is None
            print(f"{'ok  ' + by if by else 'SURVIVED'}  {name}", flush=True)
        with open(f"{tree}/{path}", "w", encoding="utf-8") as f:
            f.write(text)
    print(f"of {len(found)} places {len(drawn)} drawn (seed {seed}): {killed} noticed, "
          f"{survived} survived, {invalid} did not compile")


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 70
    seed = sys.argv[3] if len(sys.argv) > 3 else "1"
    with tempfile.TemporaryDirectory(prefix="bpfguard-mutants-") as out:
        mutate(os.path.realpath(sys.argv[1]), out, count, seed)


if __name__ == "__main__":
    main()
