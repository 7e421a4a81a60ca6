"""The settings of an app: values, where each came from, and what is odd about them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured
from localq.model.hints import nearest
from localq.model.secrets import masked
from localq.settings.all_settings import NEW_NAMES, SETTINGS, suggestion
from localq.settings.old_names import new_names, refuse_mixed, without_prefix
from localq.settings.sources import Source, is_value, read_source

__all__ = ["Given", "Settings"]


class Given(NamedTuple):
    """A value that was set, and by what."""

    value: Any
    source: str


class Settings(MutableMapping[str, Any]):
    """The settings of an app: by attribute or by item, by today's name or the one before Celery 4.

    A configuration given with `read` is read when a value is first asked for. What was set by hand before
    that comes first; what is set later too. Unknown names are kept: programs have settings of their own.

    Raises:
        ImproperlyConfigured: a value that cannot be, with its name.
    """

    # Values are in the instance's own dictionary, so that reading an attribute costs what any attribute costs;
    # until the configuration is read there are none, and `__getattr__` sees to it.

    # Those that rooms below this one read are named for the type checker (`SealSettings`).
    message_signing: Any
    message_keys: Any
    task_compression: Any
    result_compression: Any
    compression_min_bytes: Any
    task_args_max_bytes: Any
    result_max_bytes: Any

    def __init__(self, given: Mapping[str, Any] | None = None, source: str = "LocalQ(...)") -> None:
        self.__dict__.update(_set={}, _before={}, _own={}, _pending=None, _defaults=[], _raw=set(), _changed=None)
        self.__dict__.update(_odd={}, _first={}, _later={}, _watched=None)
        #: What others made of these settings; emptied whenever they change.
        self.__dict__["derived"] = {}
        self.put(given or {}, source)
        self._raw.clear()

    # Reading

    def read(self, source: Any, *, silent: bool = False, namespace: str | None = None) -> None:
        """Take a configuration, to be read when a value is first asked for; the one before is forgotten.

        Args:
            source: See `localq.settings.sources.read_source`.
            silent: A module that does not exist is no error.
            namespace: What the names of settings begin with, such as "CELERY" in Django's settings.
        """
        self.__dict__["_pending"] = lambda: (read_source(source, silent=silent), namespace)
        self._forget()
        self._later.clear()

    def follow(self) -> None:
        """Read the configuration again if what it is read from has changed: tests do that."""
        if self._watched is not None and self._watched.changed():
            self.outdated()
        # As `loaded` says; each call asks.
        if "task_default_queue" not in self.__dict__:
            self.load()

    def outdated(self) -> None:
        """Take it that what the configuration was read from has changed: it is read again when it is next needed."""
        if self._watched is not None:
            self._forget()

    def add_defaults(self, defaults: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> None:
        """Take values for what is set nowhere else; a function is called when they are needed."""
        self._defaults.append(defaults)
        if self.loaded:
            self._forget()

    def overlay(self, given: Callable[[], Mapping[str, Any]], source: str) -> None:
        """Take values that come before all that was set when the configuration is read: those of the environment."""
        self._first[source] = given
        self._forget()
        self._later.clear()

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this when the configuration was read, and after each later change."""
        self.__dict__["_changed"] = call

    @property
    def configured(self) -> bool:
        """Whether a configuration was given, read or not."""
        return self._pending is not None

    @property
    def loaded(self) -> bool:
        """Whether the configuration was read."""
        return "task_default_queue" in self.__dict__

    def load(self) -> None:
        """Read the configuration, if that was not done yet."""
        if self.loaded:
            return
        values: dict[str, Given] = {}
        for defaults in self._defaults:
            said = defaults() if callable(defaults) else defaults
            values |= {name: Given(value, "a default of the app") for name, value in new_names(said).items()}
        odd: dict[str, str] = {}
        values |= self._read(odd)
        values |= self._before
        for source, call in self._first.items():
            values |= {name: Given(value, source) for name, value in call().items()}
        values |= self._later
        self._fill(values, odd)
        try:
            self._tell()
        except Exception:
            # Whoever asks next must hear of it too.
            self._forget()
            raise

    def _tell(self) -> None:
        self.derived.clear()
        if self._changed is not None:
            self._changed()

    def _read(self, odd: dict[str, str]) -> dict[str, Given]:
        """Return what the configuration says, by today's names; remember what is odd about it."""
        if self._pending is None:
            refuse_mixed(self._raw)
            return {}
        source, namespace = self._pending()
        assert isinstance(source, Source)
        self.__dict__["_watched"] = source.watched
        if namespace:
            values, meant = without_prefix(source, namespace)
        else:
            refuse_mixed(source)
            values, meant = new_names(source), set(source)
        if "timezone" not in values and source.get("TIME_ZONE"):
            values["timezone"] = source["TIME_ZONE"]
        for name in meant:
            if name not in SETTINGS and name not in NEW_NAMES and is_value(source.get(name, values.get(name))):
                odd[name] = source.label
        return {name: Given(value, source.label) for name, value in values.items()}

    def _fill(self, values: dict[str, Given], odd: dict[str, str]) -> None:
        checked = {name: _checked(name, one.value) for name, one in values.items() if name in SETTINGS}
        self.__dict__["_set"] = {name: one.source for name, one in values.items() if name in SETTINGS}
        self.__dict__["_own"] = {name: one for name, one in values.items() if name not in SETTINGS}
        by_hand = self._before | self._later
        self.__dict__["_odd"] = odd | {n: one.source for n, one in by_hand.items() if n not in SETTINGS}
        # Last, and at once: another thread takes a name that is there for a configuration that was read.
        self.__dict__.update({name: copy.copy(one.default) for name, one in SETTINGS.items()} | checked)

    def _forget(self) -> None:
        """Forget values, but not what was set before they were first asked for."""
        for name in SETTINGS:
            self.__dict__.pop(name, None)

    # Setting

    def put(self, given: Mapping[str, Any], source: str) -> None:
        """Set several, and remember by what.

        Raises:
            ImproperlyConfigured: a value that cannot be; then none is set.
        """
        new = {NEW_NAMES.get(name, name): value for name, value in given.items()}
        checked = {name: _checked(name, value) if name in SETTINGS else value for name, value in new.items()}
        if not self.loaded:
            self._raw.update(given)
            self._before.update({name: Given(value, source) for name, value in checked.items()})
            for name in checked.keys() & self._later.keys():
                del self._later[name]
            return
        before = {name: getattr(self, name) for name in checked if name in SETTINGS}
        kept = {name: dict(self.__dict__[name]) for name in ("_set", "_own", "_odd", "_later")}
        for name, value in checked.items():
            self._later[name] = Given(value, source)
            if name in SETTINGS:
                self.__dict__[name] = value
                self._set[name] = source
            else:
                self._own[name] = Given(value, source)
                self._odd[name] = source
        try:
            self._tell()
        except Exception:
            self.__dict__.update(kept | before)
            self._tell()
            raise

    def update(self, given: Any = (), /, **more: Any) -> None:
        """Set several."""
        self.put({**dict(given), **more}, "app.conf")

    def __setitem__(self, name: str, value: Any) -> None:
        self.put({name: value}, "app.conf")

    def __setattr__(self, name: str, value: Any) -> None:
        self.put({name: value}, "app.conf")

    def __delitem__(self, name: str) -> None:
        """Set a setting back to its default; a program's own name is gone."""
        self.load()
        name = NEW_NAMES.get(name, name)
        self._later.pop(name, None)
        if name in SETTINGS:
            self._set.pop(name, None)
            self.__dict__[name] = copy.copy(SETTINGS[name].default)
        else:
            del self._own[name]
            self._odd.pop(name, None)
        self._tell()

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Set a setting that was not set; return its value."""
        if not self.is_set(name):
            self[name] = default
        return self[name]

    # Looking

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self.load()
        known = NEW_NAMES.get(name, name)
        if known in SETTINGS:
            return self.__dict__[known]
        if name in self._own:
            return self._own[name].value
        raise AttributeError(f"Unknown setting {name!r}.{nearest(name, [*SETTINGS, *self._own])}")

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name) if NEW_NAMES.get(name, name) in SETTINGS else self._item(name)
        except AttributeError as error:
            raise KeyError(str(error)) from None

    def _item(self, name: str) -> Any:
        self.load()
        if name not in self._own:
            raise AttributeError(f"Unknown setting {name!r}.{nearest(name, [*SETTINGS, *self._own])}")
        return self._own[name].value

    def __contains__(self, name: object) -> bool:
        self.load()
        return name in SETTINGS or name in NEW_NAMES or name in self._own

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter([*SETTINGS, *self._own])

    def __len__(self) -> int:
        self.load()
        return len(SETTINGS) + len(self._own)

    def given(self) -> dict[str, Any]:
        """Return what was set, without defaults and without the program's own names."""
        self.load()
        return {name: self.__dict__[name] for name in sorted(self._set)}

    def is_set(self, name: str) -> bool:
        """Whether a setting, or a name of the program's own, was set anywhere."""
        self.load()
        return NEW_NAMES.get(name, name) in self._set or name in self._own

    value_set_for = is_set

    def source(self, name: str) -> str:
        """Return what set a setting: "LocalQ(...)", "app.conf", a module's name, ...; empty for a default."""
        self.load()
        own = self._own.get(name)
        return str(self._set.get(name, "")) if own is None else str(own.source)

    def unknown(self) -> dict[str, str]:
        """Return the names that are no settings but may be meant as such, and " Did you mean ...?" for each."""
        self.load()
        close = {name: suggestion(name) for name in sorted(self._odd)}
        return {name: hint for name, hint in close.items() if hint}

    def first(self, *names: str) -> Any:
        """Return the value of the first of these names that has one."""
        return next((value for name in names if (value := self.get(name)) is not None), None)

    def get_by_parts(self, *parts: str) -> Any:
        """Return the value of a setting by the parts of its name: `get_by_parts("worker", "concurrency")`."""
        return self["_".join(part for part in parts if part)]

    def without_defaults(self) -> dict[str, Any]:
        """Return what was set, the program's own names included."""
        return {**self.given(), **{name: one.value for name, one in self._own.items()}}

    def table(self, with_defaults: bool = False, censored: bool = True) -> dict[str, Any]:
        """Return settings by name; `censored` hides what looks like a secret."""
        shown = dict(self) if with_defaults else self.without_defaults()
        return {n: masked(n, v) if censored else v for n, v in shown.items() if not n.startswith("_")}

    def shown(self, name: str) -> Any:
        """Return a value as it may be shown: without secrets."""
        return masked(name, self[name])

    def humanize(self, with_defaults: bool = False, censored: bool = True) -> str:
        """Return settings as lines for people, without defaults unless they are asked for."""
        return "\n".join(f"{name}: {value!r}" for name, value in self.table(with_defaults, censored).items())

    def __repr__(self) -> str:
        return f"Settings({self.table()!r})" if self.loaded else "Settings(not read yet)"


def _checked(name: str, value: Any) -> Any:
    try:
        return SETTINGS[name].check(value)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"Setting {name} is {masked(name, value)!r}: it {error}.") from error
