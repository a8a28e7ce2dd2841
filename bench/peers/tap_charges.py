"""A peer: tap-stripe lists all charges and writes them as Singer messages; nothing stores them.

API=http://127.0.0.1:4000 SINCE=2025-09-01T00:00:00Z python bench/peers/tap_charges.py FOLDER    prints {"objects": …, "seconds": …}

The tap knows its streams by the host's name in the URL, so the list server is its proxy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

START = "import stripe; stripe.api_base = 'http://api.stripe.com'; import tap_stripe; tap_stripe.main()"


def main(folder: Path) -> None:
    config = folder / "config.json"
    config.write_text(
        json.dumps(
            {
                "client_secret": "sk_test_bench", "account_id": "acct_1Bench", "start_date": os.environ["SINCE"],
                "lookback_window": 0, "date_window_size": 4000, "event_date_window_size": 400,
            }
        )
    )  # fmt: skip
    catalog = json.loads(_tap("--config", config, "--discover"))
    for stream in catalog["streams"]:
        top = next(each for each in stream["metadata"] if each["breadcrumb"] == [])
        top["metadata"]["selected"] = stream["stream"] == "charges"
    (folder / "catalog.json").write_text(json.dumps(catalog))
    began = time.perf_counter()
    said = _tap("--config", config, "--catalog", folder / "catalog.json")
    count = sum('"type": "RECORD"' in line for line in said.splitlines())
    print(json.dumps({"objects": count, "seconds": time.perf_counter() - began}))


def _tap(*words: object) -> str:
    proxy = {"http_proxy": os.environ["API"], "no_proxy": "", "NO_PROXY": ""}
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, words)],
        env=os.environ | proxy,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
