"""`localq flower`: the dashboard alone."""

from __future__ import annotations

import click

from localq.app import LocalQ
from localq.cli.app_option import app_options
from localq.exceptions import ImproperlyConfigured
from localq.web.gate.passwords import Passwords
from localq.web.gate.proxy import Proxy
from localq.web.serve import Address, serve

__all__ = ["flower"]


@click.command(short_help="Serve the dashboard alone.")
@click.option("--port", type=click.IntRange(1, 65535), default=5555, show_default=True, help="Where it answers.")
@click.option(
    "--address", default="127.0.0.1", show_default=True, metavar="HOST", help="On which of the computer's addresses."
)
@click.option(
    "--host-name", "hosts", multiple=True, metavar="NAME", help="A name under which it answers too; may be repeated."
)
@click.option(
    "--token",
    envvar="LOCALQ_DASHBOARD_TOKEN",
    metavar="TEXT",
    help="What opens it; default: one that is made and kept for you. Also LOCALQ_DASHBOARD_TOKEN.",
)
@click.option(
    "--basic-auth",
    "--basic_auth",
    "basic_auth",
    envvar="FLOWER_BASIC_AUTH",
    metavar="USER:PASSWORD",
    help="A user who gets in too; several with commas between them. Better in FLOWER_BASIC_AUTH: all see commands.",
)
@click.option(
    "--proxy-user-header", metavar="NAME", help="The header in which a proxy names who it has let in; with --proxy."
)
@click.option(
    "--proxy", "proxies", multiple=True, metavar="ADDRESS", help="A proxy, or a network of them; may be repeated."
)
@click.option(
    "--metrics-token",
    envvar="LOCALQ_METRICS_TOKEN",
    metavar="TEXT",
    help="What lets a scraper read /metrics, and nothing else. Also LOCALQ_METRICS_TOKEN.",
)
@click.option("--while-input", is_flag=True, hidden=True, help="Stop when standard input ends.")
@click.option("--read-only", is_flag=True, help="Nobody changes anything there.")
@app_options
def flower(
    app: LocalQ,
    port: int,
    address: str,
    hosts: tuple[str, ...],
    token: str | None,
    basic_auth: str | None,
    proxy_user_header: str | None,
    proxies: tuple[str, ...],
    metrics_token: str | None,
    read_only: bool,
    while_input: bool,
) -> None:
    """Serve the dashboard alone, until told to stop.

    It prints a link that logs a browser in, once. Programs of the same user on this computer, such as curl, need
    none; all others send the token as "Authorization: Bearer TOKEN".
    """
    if app.eager or app.location == ":memory:":
        raise ImproperlyConfigured("Jobs in another process's memory cannot be shown. Give the path of a file.")
    at = Address(address, port)
    serve(
        app,
        at,
        click.echo,
        token=token,
        hosts=hosts,
        read_only=read_only,
        while_input=while_input,
        passwords=Passwords([basic_auth]) if basic_auth else None,
        proxy=Proxy(proxy_user_header or "", proxies) if proxy_user_header or proxies else None,
        metrics_token=metrics_token,
    )
