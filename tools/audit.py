"""Ask what is known against the locked dependencies: `pip-audit` over each file of `locks/`, by PyPI's advisories, else by OSV's.

    python tools/audit.py locks/app.txt locks/dev.txt

Exit code 1 where something is known. Where no advisory service can be reached, one loud line says that nothing was audited, and the exit
code is 0: a machine without a network can check the rest. What a service did not know is said as well, never counted as clean.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICES = ("pypi", "osv")
TIMEOUT_SECONDS = 120


def main(files: list[str]) -> int:
    """Audit each file; the exit code."""
    return max((_audit(file) for file in files), default=0)


def _audit(file: str) -> int:
    best: list[dict[str, Any]] = []
    for service in SERVICES:
        found = _ask(file, service)
        if len(_known(found)) > len(_known(best)):
            best = found
        if best and len(_known(best)) == len(best):
            break
    return _tell(file, best)


def _ask(file: str, service: str) -> list[dict[str, Any]]:
    """What `service` says of each dependency; nothing where it cannot be reached."""
    command = [
        sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-r", file, "--format", "json",
        "--vulnerability-service", service, "--progress-spinner", "off", "--timeout", "10",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []


def _known(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of which the service knows anything."""
    return [each for each in found if "skip_reason" not in each]


def _tell(file: str, found: list[dict[str, Any]]) -> int:
    known = _known(found)
    bad = [(each, vuln) for each in known for vuln in each.get("vulns", ())]
    for each, vuln in bad:
        fixed = ", ".join(vuln.get("fix_versions", ())) or "no version yet"
        print(f"{file}: {each['name']} {each['version']}: {vuln['id']}, mended in {fixed}.")
    if not known:
        print(
            f"!!! NOT AUDITED: {file}. No advisory service (PyPI, OSV) could be reached, so nothing is known."
        )
    elif len(known) < len(found):
        print(
            f"!!! {file}: {len(found) - len(known)} of {len(found)} dependencies are NOT AUDITED: the service does not know them."
        )
    elif not bad:
        print(f"{file}: nothing is known against its {len(found)} dependencies.")
    return 1 if bad else 0


if __name__ == "__main__":
    missing = [each for each in sys.argv[1:] if not Path(each).is_file()]
    if missing or not sys.argv[1:]:
        sys.exit(f"There is no file {', '.join(missing) or 'named'}: name the locks, as in locks/app.txt.")
    sys.exit(main(sys.argv[1:]))
