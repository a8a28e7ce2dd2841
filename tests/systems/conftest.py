"""Other processes, for what processes must agree on."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

_READY = """
def ready():
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def at_once():
    """Run a program in several processes that go on from `ready()` together: what each gave to `answer(...)`.

    The program sees `arguments` (by name) beside `ready` and `answer`.
    """
    started = []

    def run(program, *, count=2, **arguments):
        head = f"import json, sys\nanswer = lambda it: print(json.dumps(it), flush=True)\n{_READY}\n"
        named = "".join(f"{name} = {value!r}\n" for name, value in arguments.items())
        started.extend(_started(head + named + program) for _ in range(count))
        for process in started:
            assert process.stdout.readline() == "ready\n"
        for process in started:
            process.stdin.write("go\n")
            process.stdin.flush()
        with ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(lambda process: process.communicate(timeout=60)[0], started))
        return [json.loads(each.splitlines()[-1]) for each in answers]  # what comes before is the log

    yield run
    for process in started:
        process.kill()
        process.wait()


def _started(program):
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
