"""The names that Celery's users import, and where they are here.

What stands here of Celery 5.7 is names alone; whether LocalQ has one is asked of its modules.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["APP", "MADE", "MODULES", "RESULT", "TASK", "Place", "find"]

#: Public names by Celery's modules. Where none are listed, the module itself is what programs import.
MODULES: dict[str, str] = {
    "celery": """
        __version__ Celery Task Signature chain chord chunks group signature maybe_signature xmap xstarmap
        shared_task current_app current_task uuid bugreport
    """,
    "celery._state": "current_app current_task get_current_app get_current_task",
    "celery.app": "Celery shared_task app_or_default default_app bugreport push_current_task pop_current_task",
    "celery.app.amqp": "AMQP Queues",
    "celery.app.base": "Celery",
    "celery.app.control": "Control Inspect flatten_reply",
    "celery.app.defaults": "Option NAMESPACES find flatten",
    "celery.app.log": "Logging TaskFormatter",
    "celery.app.routes": "MapRoute Router",
    "celery.app.task": "Context Task",
    "celery.app.utils": "Settings",
    "celery.app.trace": "",
    "celery.apps.worker": "Worker",
    "celery.backends.base": "BaseBackend DisabledBackend KeyValueStoreBackend",
    "celery.beat": "BeatLazyFunc PersistentScheduler ScheduleEntry Scheduler SchedulingError Service",
    "celery.bin": "",
    "celery.bootsteps": "ConsumerStep StartStopStep Step Blueprint",
    "celery.canvas": """
        Signature chain chord chunks group maybe_signature signature subtask xmap xstarmap StampingVisitor
    """,
    "celery.concurrency": "get_available_pool_names get_implementation",
    "celery.contrib.abortable": "AbortableAsyncResult AbortableTask",
    "celery.contrib.django.task": "DjangoTask",
    "celery.contrib.migrate": "migrate_tasks move",
    "celery.contrib.pytest": "",
    "celery.contrib.rdb": "set_trace Rdb",
    "celery.contrib.sphinx": "",
    "celery.contrib.testing.worker": "start_worker",
    "celery.contrib.testing.app": "TestApp setup_default_app",
    "celery.events": "Event EventDispatcher EventReceiver",
    "celery.events.receiver": "EventReceiver",
    "celery.events.snapshot": "Polaroid",
    "celery.events.state": "State Task Worker",
    "celery.exceptions": """
        AlreadyRegistered AlwaysEagerIgnored BackendError BackendGetMetaError BackendStoreError CDeprecationWarning
        CPendingDeprecationWarning CeleryCommandException CeleryError CeleryWarning ChordError
        DuplicateNodenameWarning DuplicateTaskNameWarning FixupWarning Ignore ImproperlyConfigured
        IncompleteStream InvalidTaskError MaxRetriesExceededError NotConfigured NotRegistered OperationalError
        QueueNotFound Reject Retry SecurityError SecurityWarning SoftTimeLimitExceeded TaskError TaskPredicate
        TaskRevokedError Terminated TimeLimitExceeded TimeoutError WorkerLostError WorkerShutdown
        WorkerTerminate reraise
    """,
    "celery.loaders.base": "BaseLoader",
    "celery.local": "PromiseProxy Proxy",
    "celery.platforms": "",
    "celery.result": """
        AsyncResult EagerResult GroupResult ResultBase ResultSet allow_join_result denied_join_result
        result_from_tuple
    """,
    "celery.schedules": "BaseSchedule ParseException crontab crontab_parser maybe_schedule schedstate schedule solar",
    "celery.security": "setup_security",
    "celery.signals": """
        after_setup_logger after_setup_task_logger after_task_publish beat_embedded_init beat_init
        before_task_publish celeryd_after_setup celeryd_init heartbeat_sent import_modules setup_logging
        task_failure task_internal_error task_postrun task_prerun task_received task_rejected task_retry
        task_revoked task_success task_unknown user_preload_options worker_before_create_process worker_init
        worker_process_init worker_process_shutdown worker_ready worker_shutdown worker_shutting_down
        eventlet_pool_apply eventlet_pool_postshutdown eventlet_pool_preshutdown eventlet_pool_started
    """,
    "celery.states": """
        ALL_STATES EXCEPTION_STATES FAILURE IGNORED PENDING PROPAGATE_STATES READY_STATES RECEIVED REJECTED RETRY
        REVOKED STARTED SUCCESS UNREADY_STATES precedence state
    """,
    "celery.utils": "uuid cached_property",
    "celery.utils.log": "get_logger get_task_logger",
    "celery.utils.time": "",
    "celery.worker.control": "Panel control_command inspect_command nok ok",
    "celery.worker.request": "Request",
    "celery.worker.state": "",
    "kombu": "Connection Consumer Exchange Producer Queue uuid",
    "kombu.common": "Broadcast uuid",
    "kombu.exceptions": "DecodeError EncodeError KombuError OperationalError",
    "kombu.serialization": "register",
    "kombu.utils": "uuid",
    "kombu.utils.json": "dumps loads",
    "kombu.utils.uuid": "uuid",
    "billiard.exceptions": "SoftTimeLimitExceeded Terminated TimeLimitExceeded WorkerLostError",
}

#: Names of an app.
_APP = """
    amqp broker_connection connection_for_read connection_for_write current_worker_task producer_or_acquire
    AsyncResult GroupResult ResultSet Task Worker Beat add_defaults add_periodic_task annotations
    autodiscover_tasks backend bugreport close conf config_from_cmdline config_from_envvar config_from_object
    connection control current_task events finalize gen_task_name loader log main now on_after_configure
    on_after_finalize on_after_fork on_configure on_init oid pool producer_pool register_task select_queues
    send_task set_current set_default setup_security signature start steps task tasks timezone user_options
    uses_utc_timezone worker_main
"""
APP = frozenset(_APP.split())
#: Names of a task.
_TASK = """
    AsyncResult MaxRetriesExceededError OperationalError
    Request Strategy abstract acks_late acks_on_failure acks_on_timeout
    add_around add_to_chord add_trail after_return annotate app apply apply_async backend before_start bind
    chunks default_retry_delay delay expires from_config ignore_result map max_retries name on_bound on_failure
    on_replace on_retry on_success pop_request priority push_request rate_limit reject_on_worker_lost replace
    request resultrepr_maxsize retry retry_on_worker_lost run s send_event send_events serializer shadow_name si
    signature soft_time_limit starmap store_errors_even_if_ignored subtask throws time_limit track_started trail
    typing update_state
"""
TASK = frozenset(_TASK.split())
#: Names of a result.
_RESULT = """
    TimeoutError app args as_list as_tuple backend build_graph children collect date_done exists failed forget get
    get_leaf
    graph id ignored info iterdeps kwargs maybe_reraise maybe_throw name parent queue ready result retries
    revoke revoke_by_stamped_headers state status successful supports_native_join task_id then throw traceback
    wait worker
"""
RESULT = frozenset(_RESULT.split())
#: What they have only once they are made, so that their classes cannot be asked.
MADE = {
    "app": frozenset({"conf", "main", "on_after_configure", "on_after_finalize", "tasks"}),
    "task": frozenset[str](),
    "result": frozenset({"id", "ignored"}),
}

#: Where names are that are not in the place of the same name; and why there is no such name.
_ELSEWHERE = {
    "celery._state": "localq.current",
    "celery.backends.base": "localq.result.backend",
    "celery.app.base": "localq",
    "celery.app.control": "localq.monitor.control",
    "celery.app.defaults": "localq.settings",
    "celery.app.routes": "localq.tasks.routing",
    "celery.app.utils": "localq.settings",
    "celery.contrib.testing.worker": "localq.testing",
    "celery.events.state": "localq.monitor.event_state",
    "celery.utils": "localq",
    "celery.utils.log": "localq.log",
    "kombu": "localq",
    "kombu.common": "localq",
    "kombu.exceptions": "localq.exceptions",
    "kombu.serialization": "localq",
    "kombu.utils": "localq",
    "kombu.utils.uuid": "localq",
    "billiard.exceptions": "localq.exceptions",
}
#: By name in full, or by module, whose parts it holds for too.
_WHY = {
    "celery.app.trace": "use the signals task_prerun and task_postrun, or a base class of tasks",
    "celery.VERSION": "use localq.CELERY_VERSION, the version of Celery that LocalQ stands for, as a text",
    "celery.backends": "results are in the store; see app.backend",
    "celery.beat.BeatLazyFunc": "use task.request.scheduled_at, the instant a run is due",
    "celery.bin": "the command is `localq`; app.worker_main(argv) and app.start(argv) run it",
    "celery.decorators": "use @app.task or @shared_task",
    "celery.loaders": "there are no loaders; use config_from_object and autodiscover_tasks",
    "celery.task": "use @app.task or @shared_task, and the class Task",
    "celery.task.base": "use the class Task",
    "celery.utils": "a helper of Celery's own; copy it, or use the standard library",
    "celery.utils.nodenames.gethostname": "use socket.gethostname",
    "celery.worker": "a worker is one loop without steps; use signals, app.control and inspect",
    "celery.bugreport": "use `localq report`",
    "celery.app.bugreport": "use `localq report`",
    "celery.app.defaults": "settings are values of localq.settings.SETTINGS",
    "celery.app.amqp": "there are no messages; see app.conf.task_queues and localq.tasks.routing",
    "celery.app.log": "use the signals setup_logging and after_setup_logger, or `logging` itself",
    "celery.apps.worker": "use LocalQ.running(), LocalQ.start() or the command `localq worker`",
    "celery.backends.base": "results are in the store; see app.backend",
    "celery.beat": "the schedule is in the store; see app.schedules",
    "celery.bootsteps": "a worker is one loop without steps; use signals",
    "celery.concurrency": "pools are chosen by name: the setting worker_pool",
    "celery.contrib.migrate": "there are no brokers to move messages between; see `localq backup`",
    "celery.contrib.rdb": "use the pool solo and `breakpoint()`",
    "celery.contrib.sphinx": "document the function: task.__wrapped__",
    "celery.contrib.testing.app": "use LocalQ(eager=True), or localq.testing",
    "celery.events": "use app.events.Receiver to listen; task.send_event sends",
    "celery.events.receiver": "use app.events.Receiver",
    "celery.events.snapshot": "ask app.events.State as often as you like",
    "celery.exceptions.CeleryCommandException": "commands raise click's exceptions",
    "celery.local": "use current_app and current_task",
    "celery.platforms": "nothing in its place",
    "celery.result.ResultBase": "use AsyncResult and ResultSet",
    "celery.schedules.maybe_schedule": "use schedule(), or a number of seconds where a schedule is asked for",
    "celery.security": "messages are signed with the settings message_keys and message_signing",
    "celery.utils.cached_property": "use functools.cached_property",
    "celery.utils.time": "use `datetime`",
    "celery.worker.request": "use task.request (localq.app.task.Context)",
    "celery.worker.state": "use app.control.inspect() or `localq status`",
    "celery.signals": "there is no eventlet pool; gevent has one",
    "kombu": "there is no broker here; what talks to one of its own goes on with kombu",
    "kombu.utils": "a helper of kombu's own; copy it, or use the standard library",
    "kombu.common": "give an Exchange of type fanout; a call then makes a job in each queue bound to it",
}


#: What is to be said of names that are there.
_NOTES = {
    "celery.contrib.pytest": "is loaded by pytest itself, and has the fixtures localq_app, localq_worker and others",
    "celery.__version__": "is LocalQ's own; compare with localq.CELERY_VERSION, the version of Celery it stands for",
}


#: Celery's modules that have names here, and the packages they are in.
_PACKAGES = {".".join(parts[:length]) for parts in (one.split(".") for one in MODULES) for length in range(1, 9)}


class Place(NamedTuple):
    """Where a name of Celery's is: a module here, or None and why."""

    module: str | None
    note: str = ""


def find(module: str, name: str = "") -> Place:
    """Return where a name of one of Celery's or Kombu's modules is.

    Args:
        name: Empty for the module itself.
    """
    full = f"{module}.{name}".rstrip(".")
    for there, asked in _places(module, name, full):
        if there.startswith("localq") and _has(there, asked):
            return Place(there, _NOTES.get(full, ""))
    parts = full.split(".")
    whole = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return Place(None, next((_WHY[one] for one in whole if one in _WHY), "LocalQ has no such name"))


def _places(module: str, name: str, full: str) -> Iterator[tuple[str, str]]:
    """Yield modules here, and the name in them, that may be what is meant.

    Only names that are known to be Celery's are looked for: others of LocalQ's modules may mean something else.
    """
    if name in MODULES.get(module, "").split():
        yield module.replace("celery", "localq", 1), name
        yield _ELSEWHERE.get(module, ""), name
    elif full in _PACKAGES:
        yield module.replace("celery", "localq", 1), name
        yield full.replace("celery", "localq", 1), ""
        yield _ELSEWHERE.get(full, "") if full in MODULES else "", ""


def _has(module: str, name: str) -> bool:
    try:
        if importlib.util.find_spec(module) is None:
            return False
    except ModuleNotFoundError:
        return False
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError:  # what it is for, such as Django, is not installed here
        return True
    return not name or hasattr(found, name) or _has(f"{module}.{name}", "")
