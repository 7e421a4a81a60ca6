"""The settings that `LocalQ` takes as arguments. Only type checkers and editors read this."""

from collections.abc import Mapping, Sequence
from datetime import timedelta, tzinfo
from typing import Any, Literal, TypedDict

__all__ = ["SettingOptions"]

class SettingOptions(TypedDict, total=False):
    durability: Literal["full", "normal"]
    confirm: Literal["aof"] | None
    outbox: str | None
    strict: bool
    accept_content: Sequence[str]
    message_signing: Literal["off", "accept", "require"]
    message_keys: Any
    enable_utc: bool
    timezone: str | tzinfo | None
    imports: Sequence[str]
    beat_schedule: Mapping[str, Any]
    beat_run_new_entries: bool
    beat_max_loop_interval: Any
    beat_cron_starting_deadline: float | timedelta | None
    beat_scheduler: Any
    beat_schedule_filename: Any
    beat_sync_every: Any
    beat_enable_remote_control: Any
    beat_remote_control_max_tick_age: Any
    broker_url: Any
    result_backend: Any
    task_always_eager: bool
    task_eager_propagates: bool
    task_store_eager_result: bool
    task_default_queue: str
    task_default_exchange: str | None
    task_default_exchange_type: str
    task_default_routing_key: str | None
    task_default_priority: int | None
    task_inherit_parent_priority: bool
    task_default_rate_limit: str | float | None
    task_queues: Any
    task_routes: Any
    task_create_missing_queues: bool
    task_annotations: Any
    task_serializer: str
    task_compression: str | None
    compression_min_bytes: int
    task_ignore_result: bool
    task_store_errors_even_if_ignored: bool
    task_time_limit: float | timedelta | None
    task_soft_time_limit: float | timedelta | None
    task_acks_late: bool
    task_max_crashes: int
    task_args_max_bytes: int
    task_headers_max_bytes: int
    task_track_started: bool
    task_send_sent_event: bool
    task_allow_error_cb_on_chord_header: bool
    task_acks_on_failure_or_timeout: Any
    task_acks_on_failure: Any
    task_acks_on_timeout: Any
    task_reject_on_worker_lost: Any
    task_retry_on_worker_lost: Any
    task_create_missing_queue_type: Any
    task_create_missing_queue_exchange_type: Any
    task_default_queue_type: Any
    task_default_delivery_mode: Any
    task_queue_max_priority: Any
    task_protocol: Any
    task_publish_retry: Any
    task_publish_retry_policy: Any
    task_remote_tracebacks: Any
    task_repr_maxlevels: Any
    result_max_bytes: int
    result_expires: float | timedelta | None
    result_accept_content: Any
    result_serializer: Any
    result_extended: bool
    result_persistent: Any
    result_cache_max: Any
    result_compression: Any
    result_exchange: Any
    result_exchange_type: Any
    result_failure_expires: Any
    result_chord_expires: Any
    result_chord_retry_interval: Any
    result_chord_join_timeout: Any
    result_backend_transport_options: Any
    result_backend_always_retry: Any
    result_backend_max_retries: Any
    result_backend_max_sleep_between_retries_ms: Any
    result_backend_base_sleep_between_retries_ms: Any
    worker_concurrency: int | str | None
    worker_pool: Literal["processes", "prefork", "threads", "solo", "asyncio", "gevent", "eventlet"]
    worker_max_tasks_per_child: int | None
    worker_max_memory_per_child: int | None
    worker_lease: float | timedelta
    worker_heartbeat: float | timedelta
    worker_shutdown_timeout: float | timedelta | None
    worker_unknown_tasks: Literal["leave", "fail", "discard"]
    worker_redirect_stdouts: bool
    worker_redirect_stdouts_level: str
    worker_hijack_root_logger: bool
    worker_log_format: str
    worker_log_datefmt: str | None
    worker_task_log_format: str
    worker_task_log_datefmt: str | None
    worker_log_color: bool | None
    worker_disable_rate_limits: bool
    worker_enable_remote_control: bool
    worker_pool_restarts: bool
    worker_send_task_events: bool
    worker_agent: Any
    worker_autoscaler: Any
    worker_cancel_long_running_tasks_on_connection_loss: Any
    worker_soft_shutdown_timeout: Any
    worker_enable_soft_shutdown_on_idle: Any
    worker_consumer: Any
    worker_direct: Any
    worker_deduplicate_successful_tasks: Any
    worker_lost_wait: Any
    worker_pool_putlocks: Any
    worker_pool_start_method: Any
    worker_proc_alive_timeout: Any
    worker_prefetch_multiplier: Any
    worker_disable_prefetch: Any
    worker_enable_prefetch_count_reduction: Any
    worker_eta_task_limit: Any
    worker_state_db: Any
    worker_timer: Any
    worker_timer_precision: Any
    worker_detect_quorum_queues: Any
    broker_read_url: Any
    broker_write_url: Any
    broker_transport: Any
    broker_transport_options: Any
    broker_connection_timeout: Any
    broker_connection_retry: Any
    broker_connection_retry_on_startup: Any
    broker_connection_max_retries: Any
    broker_channel_error_retry: Any
    broker_failover_strategy: Any
    broker_heartbeat: Any
    broker_heartbeat_checkrate: Any
    broker_login_method: Any
    broker_native_delayed_delivery_queue_type: Any
    broker_pool_limit: Any
    broker_pool_acquire_timeout: Any
    broker_use_ssl: Any
    broker_host: Any
    broker_port: Any
    broker_user: Any
    broker_password: Any
    broker_vhost: Any
    control_queue_ttl: Any
    control_queue_expires: Any
    control_queue_exclusive: Any
    control_queue_durable: Any
    control_exchange: Any
    event_queue_expires: Any
    event_queue_ttl: Any
    event_queue_prefix: Any
    event_queue_exclusive: Any
    event_queue_durable: Any
    event_serializer: Any
    event_exchange: Any
    security_certificate: Any
    security_cert_store: Any
    security_key: Any
    security_key_password: Any
    security_digest: Any
    redis_backend_use_ssl: Any
    redis_db: Any
    redis_host: Any
    redis_max_connections: Any
    redis_username: Any
    redis_password: Any
    redis_port: Any
    redis_socket_timeout: Any
    redis_socket_connect_timeout: Any
    redis_retry_on_timeout: Any
    redis_socket_keepalive: Any
    database_url: Any
    database_engine_options: Any
    database_engine_callback: Any
    database_short_lived_sessions: Any
    database_table_schemas: Any
    database_table_names: Any
    database_create_tables_at_setup: Any
    cache_backend: Any
    cache_backend_options: Any
    cassandra_entry_ttl: Any
    cassandra_keyspace: Any
    cassandra_port: Any
    cassandra_read_consistency: Any
    cassandra_servers: Any
    cassandra_bundle_path: Any
    cassandra_table: Any
    cassandra_write_consistency: Any
    cassandra_auth_provider: Any
    cassandra_auth_kwargs: Any
    cassandra_options: Any
    s3_access_key_id: Any
    s3_secret_access_key: Any
    s3_bucket: Any
    s3_base_path: Any
    s3_endpoint_url: Any
    s3_region: Any
    azureblockblob_container_name: Any
    azureblockblob_retry_initial_backoff_sec: Any
    azureblockblob_retry_increment_base: Any
    azureblockblob_retry_max_attempts: Any
    azureblockblob_base_path: Any
    azureblockblob_connection_timeout: Any
    azureblockblob_read_timeout: Any
    gcs_bucket: Any
    gcs_project: Any
    gcs_base_path: Any
    gcs_ttl: Any
    couchbase_backend_settings: Any
    arangodb_backend_settings: Any
    mongodb_backend_settings: Any
    cosmosdbsql_database_name: Any
    cosmosdbsql_collection_name: Any
    cosmosdbsql_consistency_level: Any
    cosmosdbsql_max_retry_attempts: Any
    cosmosdbsql_max_retry_wait_time: Any
    elasticsearch_retry_on_timeout: Any
    elasticsearch_max_retries: Any
    elasticsearch_timeout: Any
    elasticsearch_save_meta_as_text: Any
    # What Celery's apps take, without effect here, and settings as a mapping.
    changes: Mapping[str, Any]
    loader: Any
    amqp: Any
    events: Any
    log: Any
    control: Any
    fixups: Any
    config_source_silent: Any
