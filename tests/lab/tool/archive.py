# SPDX-License-Identifier: BSD-2-Clause
"""Debian packages, without touching the machine's own apt: an apt tree of the lab's own in the cache, its suites taken
from wherever this machine takes its own. Packages are fetched, verified by apt, and extracted; none is installed."""

import os
import re
import subprocess
import time
from pathlib import Path

from tool import cache
from tool.trouble import Trouble

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# 6.1 is in bookworm, 6.12 in trixie, what is newer in trixie-backports.
SUITES = ("bookworm", "trixie", "trixie-backports")
ARCHITECTURE = "amd64"
# A day: what is newer in the archive than that can wait.
INDEX_AGE_S = 24 * 3600


def run(command, **more):
    """Runs a program, its output into the error message if it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False, text=True, errors="replace", **more)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise Trouble(f"'{' '.join(str(word) for word in command)}' failed ({done.returncode}):\n{tail}")
    return done.stdout


def own_suite():
    """The name of the suite that this machine runs."""
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    raise Trouble("/etc/os-release names no VERSION_CODENAME: the lab needs Debian 12 or 13")


def mirror():
    """Where this machine gets Debian from."""
    targets = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"])
    for line in targets.splitlines():
        uri, _, codename = line.partition(" ")
        if codename == own_suite():
            return uri
    raise Trouble(f"apt's sources on this machine have no suite '{own_suite()}': add it to /etc/apt/sources.list.d")


def proxy():
    """The proxy that apt is told to use, or nothing."""
    found = re.search(r"='(.*)'", run(["apt-config", "shell", "proxy", "Acquire::http::Proxy"]))
    return found.group(1) if found else ""


class Archive:
    """apt on a tree of its own."""

    def __init__(self):
        self._tree = cache.folder() / "apt"
        self._environment = {**os.environ, "APT_CONFIG": str(self._tree / "apt.conf"), "LC_ALL": "C"}

    def update(self):
        """Makes the tree, and fetches the indexes unless they are of today."""
        stamp = self._tree / "updated"
        sources = "".join(f"deb [arch={ARCHITECTURE} signed-by={KEYRING}] {mirror()} {suite} main\n" for suite in SUITES)
        listed = self._tree / "sources.list"
        if stamp.exists() and listed.read_text(encoding="utf-8") == sources:
            if abs(stamp.stat().st_mtime - time.time()) < INDEX_AGE_S:
                return
        if not KEYRING.exists():
            raise Trouble(f"{KEYRING} is missing, by which packages are verified: apt-get install debian-archive-keyring")
        for name in ("state/lists/partial", "cache/archives/partial", "none"):
            (self._tree / name).mkdir(parents=True, exist_ok=True)
        (self._tree / "state" / "status").touch()
        listed.write_text(sources, encoding="utf-8")
        (self._tree / "apt.conf").write_text(f"""Dir::State "{self._tree}/state";
Dir::State::status "{self._tree}/state/status";
Dir::Cache "{self._tree}/cache";
Dir::Etc::SourceList "{listed}";
Dir::Etc::SourceParts "{self._tree}/none";
Dir::Etc::Preferences "{self._tree}/none/preferences";
Dir::Etc::PreferencesParts "{self._tree}/none";
APT::Architecture "{ARCHITECTURE}";
APT::Architectures {{ "{ARCHITECTURE}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
""", encoding="utf-8")
        cache.say(f"package indexes of {', '.join(SUITES)} …")
        stamp.unlink(missing_ok=True)
        run(["apt-get", "-q", "update"], env=self._environment)
        stamp.touch()

    def names(self, beginning):
        """The names of all packages that begin so."""
        return run(["apt-cache", "pkgnames", beginning], env=self._environment).split()

    def depends(self, package):
        """The names that a package depends on, directly."""
        shown = run(["apt-cache", "show", "--no-all-versions", package], env=self._environment)
        found = re.search(r"^Depends: (.*)$", shown, re.MULTILINE)
        return [word.split()[0] for word in found.group(1).split(",")] if found else []

    def extract(self, packages, into):
        """Fetches packages (NAME or NAME/SUITE) and extracts them into a folder, without installing them."""
        fetched = into.with_name(into.name + ".packages")
        cache.remove(fetched)
        fetched.mkdir(parents=True)
        run(["apt-get", "-q", "download", *packages], env=self._environment, cwd=fetched)
        for package in sorted(fetched.glob("*.deb")):
            run(["dpkg-deb", "-x", package, into])
        cache.remove(fetched)

