"""Build what the pages are made with: ``src/bookhand/web/built``, from ``frontend/``, by npm and esbuild.

    python tools/frontend.py            # builds where something changed since the last time
    python tools/frontend.py --force

Node comes from PATH where it is new enough, else from the wheel in ``locks/frontend.txt``, which is installed into this
environment. Nothing of npm's runs a script of its own while it is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND, WEB = ROOT / "frontend", ROOT / "src" / "bookhand" / "web"
BUILT = WEB / "built"
STAMP = FRONTEND / "node_modules" / ".built-from"
NODE_MAJOR = 20
_READ = (".html", ".py", ".toml")


def main() -> int:
    """Build where it is needed; the exit code."""
    made_from = _made_from()
    built = (BUILT / "built.txt").exists() and STAMP.exists()
    if "--force" not in sys.argv and built and STAMP.read_text() == made_from:
        return 0
    tools = _node()
    if tools is None:
        sys.stderr.write(
            "There is neither a Node on PATH nor could its wheel be installed: the pages cannot be built.\n"
        )
        return 1
    folder, npm = tools
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    print("Building the pages' scripts and style (once) ...", flush=True)
    if not _installed():
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], environment)
    _run([str(Path(folder) / "node"), "build.mjs"], environment)
    STAMP.write_text(made_from)
    return 0


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=FRONTEND, env=environment, check=False)
    if done.returncode:
        raise SystemExit(
            f"`{' '.join(command)}` ended with {done.returncode}: see above. The pages are not built."
        )


def _made_from() -> str:
    """A digest of everything that the build reads, but for the packages, which their lock stands for."""
    digest = hashlib.sha256()
    sources = [FRONTEND / "build.mjs", FRONTEND / "package-lock.json", *(FRONTEND / "src").rglob("*")]
    named = sorted(
        {name for path in WEB.rglob("*") if path.suffix in _READ and path.is_file()
         for name in re.findall(r"\b(?:icon|empty)(?:\(|\s*=\s*)[\"']([a-z0-9-]+)[\"']", path.read_text(encoding="utf-8"))}
    )  # fmt: skip
    for path in sorted(each for each in sources if each.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(" ".join(named).encode())
    return digest.hexdigest()


def _installed() -> bool:
    """Whether what the lock names is there: npm writes its own list last."""
    listed = FRONTEND / "node_modules" / ".package-lock.json"
    return listed.exists() and listed.stat().st_mtime >= (FRONTEND / "package-lock.json").stat().st_mtime


def _node() -> tuple[str, str] | None:
    """The folder of a Node that is new enough, and its npm."""
    found = _on_path()
    if found is not None:
        return found
    print("Fetching Node (once) ...", flush=True)
    lock = ROOT / "locks" / "frontend.txt"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        str(lock),
    ]
    if subprocess.run(command, check=False).returncode:
        return None
    os.environ["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"
    return _on_path()


def _on_path() -> tuple[str, str] | None:
    scripts = sysconfig.get_path("scripts")
    where = f"{os.environ.get('PATH', '')}{os.pathsep}{scripts}"
    node, npm = shutil.which("node", path=where), shutil.which("npm", path=where)
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = re.match(r"v(\d+)", said)
    return (str(Path(node).parent), npm) if major and int(major.group(1)) >= NODE_MAJOR else None


if __name__ == "__main__":
    raise SystemExit(main())
