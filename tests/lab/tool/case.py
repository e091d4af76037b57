# SPDX-License-Identifier: BSD-2-Clause
"""What a person names to run: a test of cases/, a script by its path, or a program of the guest; and the options that a
test asks for itself, in a line '# lab: --cpus 2 …' among its first ten."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tool.trouble import Trouble

TREE = Path(__file__).resolve().parent.parent.parent.parent
_CASES = Path(__file__).resolve().parent.parent / "cases"


def names():
    return sorted(path.stem for path in _CASES.glob("*.sh"))


def summary(name):
    """A test's first sentence about itself."""
    for line in (_CASES / f"{name}.sh").read_text(encoding="utf-8").splitlines()[:10]:
        if line.startswith("# ") and "SPDX" not in line and not line.startswith("# lab:"):
            return line[2:]
    return ""


class Case:
    def __init__(self, name):
        self.name = name
        self.path = None
        if name in names():
            self.path = _CASES / f"{name}.sh"
        elif os.path.isfile(name):
            self.path = Path(name).resolve()
        elif "/" in name or name.endswith(".sh"):
            raise Trouble(f"there is no script '{name}', and no test of that name; 'tests/lab/lab list' names the tests")

    def options(self):
        """Words of its '# lab:' line."""
        if self.path is None:
            return []
        with open(self.path, encoding="utf-8", errors="replace") as file:
            for _, line in zip(range(10), file):
                if line.startswith("# lab:"):
                    return shlex.split(line.removeprefix("# lab:"))
        return []

    def prepare(self, share):
        """Runs NAME.host beside the test, if there is one: on this machine, for what cannot be made in the guest."""
        script = self.path and self.path.with_suffix(".host")
        if script and script.exists():
            done = subprocess.run([script, share], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
            if done.returncode != 0:
                raise Trouble(f"{script} failed ({done.returncode}): see what it said above")

    def command(self, share, arguments):
        """The words to run in the guest. A script outside the tree goes along in the run's folder."""
        if self.path is None:
            return [self.name, *arguments]
        path = self.path
        if not path.is_relative_to(TREE):
            path = Path("/lab") / self.path.name
            (share / self.path.name).write_bytes(self.path.read_bytes())
        if os.access(self.path, os.X_OK):
            if not self.path.is_relative_to(TREE):
                (share / self.path.name).chmod(0o755)
            return [str(path), *arguments]
        return ["bash", str(path), *arguments]
