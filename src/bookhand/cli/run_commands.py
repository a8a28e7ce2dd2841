"""Running: the server, a worker of its own, the demo, and the stand-in Stripe."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from bookhand import logs, wiring
from bookhand.cli.app import app, err, out, read_settings

Port = Annotated[int | None, typer.Option(help="The port to listen on (0: any free one).")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Port = None,
    work: Annotated[
        bool, typer.Option(help="Post in this process too (--no-work: `bookhand worker` does).")
    ] = True,
) -> None:
    """Receive webhooks, post, prove, mirror, and show the pages, until Ctrl-C."""
    from bookhand.cli.running import Running  # noqa: PLC0415 (the web is half a second that other commands do not need)

    settings = read_settings(host=host, port=port)
    logs.setup(style=settings.log_format, level=settings.log_level)
    with wiring.open_house(settings) as house, Running(house, work=work) as running:
        for sentence in house.register_all():
            err.print(sentence, highlight=False, markup=False, soft_wrap=True)
        out.print(f"bookhand is at [bold]{running.url}[/]   (Ctrl-C ends it)")
        running.wait()


@app.command()
def worker() -> None:
    """Post, prove and mirror without a web server; as many as you like on one PostgreSQL."""
    from bookhand.cli.running import Running  # noqa: PLC0415 (see `serve`)

    settings = read_settings()
    logs.setup(style=settings.log_format, level=settings.log_level)
    with wiring.open_house(settings) as house, Running(house, web=False) as running:
        running.wait()


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Wait until all is posted, prove it, and leave with 0 if it holds.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 1,
    port: Port = None,
) -> None:
    """A company, its Stripe and its books, all on this machine."""
    from bookhand.cli.demo import demo as run_demo  # noqa: PLC0415 (see `serve`)

    settings = read_settings(port=port)
    logs.setup(
        style=settings.log_format, level="warning" if settings.log_level == "info" else settings.log_level
    )
    raise typer.Exit(run_demo(out, settings, seed=seed, once=once))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def sandbox(context: typer.Context) -> None:
    """Start the stand-in Stripe alone (Pinstripe); `bookhand sandbox --help-all` is its own help."""
    arguments = ["--help" if each == "--help-all" else each for each in context.args]
    raise typer.Exit(
        subprocess.run([sys.executable, "-m", "bookhand.sandbox.stripe", *arguments], check=False).returncode
    )
