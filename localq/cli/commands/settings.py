"""`localq settings` and `localq upgrade`: what is set and by what, and old names of settings made new."""

from __future__ import annotations

import tokenize
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from localq.app import LocalQ
from localq.cli.app_import import LoadError
from localq.cli.app_option import app_options
from localq.cli.screen import printable, show_json, show_table
from localq.contrib.celery.upgrade import upgrade as upgraded
from localq.model.hints import nearest
from localq.settings import NEW_NAMES, SETTINGS
from localq.settings.sources import is_value

__all__ = ["settings", "upgrade"]


@click.command()
@click.argument("names", nargs=-1)
@click.option("-a", "--all", "everything", is_flag=True, help="Show those that were not changed too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@app_options
def settings(app: LocalQ, names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Show settings: name, value, default, what set it, and what it means.

    Without NAMES, those that were changed. A name may have wildcards, such as 'worker_*', and may be the one
    it had before Celery 4. Passwords and keys are not shown. A setting marked with * has no effect here.
    """
    rows = [_row(app, name) for name in _chosen(app, names, everything)]
    if as_json:
        show_json(rows)
    elif not rows:
        click.echo("No setting was changed: --all shows every one.", err=True)
    else:
        show_table(
            ("name", "value", "default", "set by", "meaning"),
            [(r["name"] + "*" * (not r["used"]), r["value"], r["default"], r["source"], r["meaning"]) for r in rows],
        )
    for line in app.notices():
        click.echo(f"localq: warning: {printable(line)}", err=True)


def _chosen(app: LocalQ, names: tuple[str, ...], everything: bool) -> list[str]:
    """Return names of settings, in the order of the table, and of the program's own.

    Raises:
        LoadError: there is none of a name.
    """
    conf = app.conf
    if not names:
        known = [name for name in conf if name in SETTINGS or is_value(conf[name])]
        return [name for name in known if everything or conf.is_set(name)]
    patterns = [NEW_NAMES.get(name, name) for name in names]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in conf):
            raise LoadError(f"There is no setting {pattern!r}.{nearest(pattern, list(conf))}")
    return [name for name in conf if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _row(app: LocalQ, name: str) -> dict[str, Any]:
    known = SETTINGS.get(name)
    return {
        "name": name,
        "value": repr(app.conf.shown(name)),
        "default": "" if known is None else repr(known.default),
        "source": app.conf.source(name),
        "meaning": "The program's own" if known is None else known.doc,
        "used": known is None or known.used,
    }


@click.group()
def upgrade() -> None:
    """Bring a project up to date."""


@upgrade.command("settings", short_help="Give settings in a file their names of today.")
@click.argument("filename", type=click.Path(exists=True, dir_okay=False))
@click.option("--django", is_flag=True, help="New names are CELERY_... in upper case, for namespace='CELERY'.")
@click.option("--compat", is_flag=True, help="The same as --django.")
@click.option("--no-backup", is_flag=True, help="Keep no copy of the file as it was.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def upgrade_settings(filename: str, django: bool, compat: bool, no_backup: bool, dry_run: bool) -> None:
    """Give settings in FILENAME, a Python module, the names they have since Celery 4.

    The file as it was is kept beside it, with .orig at the end of its name.
    """
    path = Path(filename)
    try:
        with tokenize.open(path) as file:
            encoding = file.encoding
        before = path.read_bytes()
        text, changed = upgraded(before.decode(encoding), prefix="CELERY_" if django or compat else "")
    except (SyntaxError, UnicodeDecodeError) as error:
        raise LoadError(f"{filename} is no Python module: {error}.") from None
    for one in changed:
        click.echo(f"{printable(filename)}:{one.line}: {one.old} -> {one.new}")
    if not changed:
        click.echo("Nothing has to be changed.")
    elif not dry_run:
        if not no_backup:
            path.with_name(f"{path.name}.orig").write_bytes(before)
        path.write_bytes(text.encode(encoding))
        click.echo(f"{len(changed)} changed.")
