"""The types of an app's parts. Only type checkers read this: a program loads a part's module when it uses the part."""

from typing import Any, Generic, Literal, Self, TypeVar, overload

from localq.app.progress_bar import ProgressBar
from localq.app.script_log import ScriptLog
from localq.execution.eager import Eager
from localq.monitor.control import Control
from localq.monitor.event_receiver import Events
from localq.result.backend import Backend
from localq.schedules.app_schedules import AppSchedules

__all__ = ["Part"]

T = TypeVar("T")

class Part(Generic[T]):
    @overload
    def __init__(self: Part[AppSchedules], place: Literal["localq.schedules.app_schedules:AppSchedules"]) -> None: ...
    @overload
    def __init__(self: Part[Backend], place: Literal["localq.result.backend:Backend"]) -> None: ...
    @overload
    def __init__(self: Part[Control], place: Literal["localq.monitor.control:Control"]) -> None: ...
    @overload
    def __init__(self: Part[Eager], place: Literal["localq.execution.eager:Eager"]) -> None: ...
    @overload
    def __init__(self: Part[Events], place: Literal["localq.monitor.event_receiver:Events"]) -> None: ...
    @overload
    def __init__(self: Part[ProgressBar], place: Literal["localq.app.progress_bar:ProgressBar"]) -> None: ...
    @overload
    def __init__(self: Part[ScriptLog], place: Literal["localq.app.script_log:ScriptLog"]) -> None: ...
    def __set_name__(self, owner: type, name: str) -> None: ...
    @overload
    def __get__(self, app: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, app: Any, owner: type | None = None) -> T: ...
