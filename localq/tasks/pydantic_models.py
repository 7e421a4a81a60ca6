"""Arguments and results that are models of pydantic: `@q.task(pydantic=True)` (celery/app/base.py of 5.7).

A model is sent as what its `model_dump` says, and the task gets it whole again; what a task returns is written the same
way, where the function's annotations say that it is a model. Pydantic is loaded with the first such task.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localq.exceptions import ImproperlyConfigured

__all__ = ["OPTIONS", "Models"]

#: Options of a task that say how, and what holds where they are not given.
OPTIONS: Mapping[str, Any] = {"pydantic_strict": False, "pydantic_context": None, "pydantic_dump_kwargs": None}
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Models:
    """The models among what a task's function takes and returns.

    Args:
        app, name: The task's; validators find them in their context.
        bind: Whether the function gets the task itself first.
        options: The task's, of those in `OPTIONS`.

    Raises:
        ImproperlyConfigured: pydantic is not installed.
    """

    def __init__(
        self, function: Callable[..., Any], app: Any, name: str, bind: bool, options: Mapping[str, Any]
    ) -> None:
        try:
            self._base: Any = importlib.import_module("pydantic").BaseModel
        except ImportError as error:
            raise ImproperlyConfigured(
                f"Task {name}: pydantic=True needs pydantic ({error}): pip install 'localq[pydantic]'"
            ) from error
        said = {**OPTIONS, **{name: value for name, value in options.items() if name in OPTIONS}}
        self._strict = said["pydantic_strict"]
        self._context = {**(said["pydantic_context"] or {}), "celery_app": app, "celery_task_name": name}
        self._dump = {"mode": "json", **(said["pydantic_dump_kwargs"] or {})}
        self._bind, self._signature = bind, inspect.signature(function)
        self._models = self._annotated(function)
        self.run = self._around(function)

    def dumped(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], fed: int = 0
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return a call with its models as plain data; one that would not come back as it is stays.

        Args:
            fed: How many arguments will come in front of those given.
        """
        if not any(isinstance(value, self._base) for value in (*args, *kwargs.values())):
            return args, kwargs
        known = self._signature.parameters
        names = [name for name, one in known.items() if one.kind in _POSITIONAL][self._bind + fed :]
        at = [*names[: len(args)], *[None] * (len(args) - len(names))]
        plain = tuple(self._dumped(name, value) for name, value in zip(at, args, strict=True))
        named = {name for name, one in known.items() if one.kind in _NAMED}
        return plain, {key: self._dumped(key if key in named else None, value) for key, value in kwargs.items()}

    def _dumped(self, name: str | None, value: Any) -> Any:
        model = self._models.get(name) if name is not None else None
        if model is None or not isinstance(value, self._base) or hasattr(type(value), "__json__"):
            return value
        try:
            plain = value.model_dump(**self._dump)
            return plain if self._loaded(model, plain) == value else value
        except Exception:
            # Its validators may only work where the task runs.
            return value

    def _loaded(self, model: Any, value: Any) -> Any:
        return model.model_validate(value, strict=self._strict, context=self._context)

    def _annotated(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return the classes of models that parameters, and what is returned, are annotated with, by name."""
        said = {name: one.annotation for name, one in self._signature.parameters.items()}
        said["return"] = self._signature.return_annotation
        # Where what annotations name is not there yet, those that are no text are as they are.
        with contextlib.suppress(NameError, AttributeError, TypeError):
            said |= typing.get_type_hints(function)
        found = {name: _of_optional(annotation) for name, annotation in said.items()}
        self._optional = {name for name, annotation in said.items() if found[name] is not annotation}
        self._returned = found.pop("return")
        return {name: one for name, one in found.items() if inspect.isclass(one) and issubclass(one, self._base)}

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its arguments made whole, and what it returns as plain data."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                bound = self._bound(args, kwargs)
                return self._result(await function(*bound.args, **bound.kwargs))

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            bound = self._bound(args, kwargs)
            return self._result(function(*bound.args, **bound.kwargs))

        return called

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        bound = self._signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in self._models and not (value is None and name in self._optional):
                bound.arguments[name] = self._loaded(self._models[name], value)
        return bound

    def _result(self, value: Any) -> Any:
        fits = inspect.isclass(self._returned) and isinstance(value, self._base) and isinstance(value, self._returned)
        return value.model_dump(**self._dump) if fits else value


def _of_optional(annotation: Any) -> Any:
    """Return what an annotation is beside None; itself, where it is no such union."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        others = [one for one in typing.get_args(annotation) if one is not types.NoneType]
        if len(others) == 1 and len(typing.get_args(annotation)) == 2:
            return others[0]
    return annotation
