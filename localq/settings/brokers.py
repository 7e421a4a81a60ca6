"""Settings of brokers and other result back ends: all but a few without a meaning, where one store holds both."""

from __future__ import annotations

from typing import Any

from localq.settings.checks import mapping
from localq.settings.setting import Setting, unused

__all__ = ["SETTINGS"]


def _unchanged(value: Any) -> Any:
    return value


#: By what they are about: name, default, and the name before Celery 4 where that is not the name in upper case.
_ABOUT: dict[str, list[tuple[str, Any] | tuple[str, Any, str]]] = {
    "Connections to a broker": [
        ("broker_read_url", None),
        ("broker_write_url", None),
        ("broker_transport", None),
        ("broker_connection_timeout", 4),
        ("broker_connection_retry", True),
        ("broker_connection_retry_on_startup", None),
        ("broker_connection_max_retries", 100),
        ("broker_channel_error_retry", False),
        ("broker_failover_strategy", None),
        ("broker_heartbeat", 120),
        ("broker_heartbeat_checkrate", 3.0),
        ("broker_login_method", None),
        ("broker_native_delayed_delivery_queue_type", "quorum"),
        ("broker_pool_limit", 10),
        ("broker_pool_acquire_timeout", None),
        ("broker_host", None),
        ("broker_port", None),
        ("broker_user", None),
        ("broker_password", None),
        ("broker_vhost", None),
    ],
    "Queues of control commands at a broker": [
        ("control_queue_ttl", 300.0),
        ("control_queue_expires", 10.0),
        ("control_queue_exclusive", True),
        ("control_queue_durable", False),
        ("control_exchange", "celery"),
    ],
    "Queues of events at a broker": [
        ("event_queue_expires", 60.0, "CELERY_EVENT_QUEUE_EXPIRES"),
        ("event_queue_ttl", 5.0, "CELERY_EVENT_QUEUE_TTL"),
        ("event_queue_prefix", "celeryev", "CELERY_EVENT_QUEUE_PREFIX"),
        ("event_queue_exclusive", True, "CELERY_EVENT_QUEUE_EXCLUSIVE"),
        ("event_queue_durable", False, "CELERY_EVENT_QUEUE_DURABLE"),
        ("event_serializer", "json", "CELERY_EVENT_SERIALIZER"),
        ("event_exchange", "celeryev", "CELERY_EVENT_EXCHANGE"),
    ],
    "Signed messages by certificate": [
        ("security_certificate", None, "CELERY_SECURITY_CERTIFICATE"),
        ("security_cert_store", None, "CELERY_SECURITY_CERT_STORE"),
        ("security_key", None, "CELERY_SECURITY_KEY"),
        ("security_key_password", None, "CELERY_SECURITY_KEY_PASSWORD"),
        ("security_digest", "sha256", "CELERY_SECURITY_DIGEST"),
    ],
    "Redis as a result back end": [
        ("redis_db", None, "CELERY_REDIS_DB"),
        ("redis_host", None, "CELERY_REDIS_HOST"),
        ("redis_max_connections", None, "CELERY_REDIS_MAX_CONNECTIONS"),
        ("redis_username", None, "CELERY_REDIS_USERNAME"),
        ("redis_password", None, "CELERY_REDIS_PASSWORD"),
        ("redis_port", None, "CELERY_REDIS_PORT"),
        ("redis_socket_timeout", 120.0, "CELERY_REDIS_SOCKET_TIMEOUT"),
        ("redis_socket_connect_timeout", None, "CELERY_REDIS_SOCKET_CONNECT_TIMEOUT"),
        ("redis_retry_on_timeout", False, "CELERY_REDIS_RETRY_ON_TIMEOUT"),
        ("redis_socket_keepalive", False, "CELERY_REDIS_SOCKET_KEEPALIVE"),
    ],
    "A database of its own for results": [
        ("database_url", None, "CELERY_RESULT_DBURI"),
        ("database_engine_options", {"pool_pre_ping": True, "pool_recycle": 3600}, "CELERY_RESULT_ENGINE_OPTIONS"),
        ("database_engine_callback", None),
        ("database_short_lived_sessions", False, "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS"),
        ("database_table_schemas", None),
        ("database_table_names", None, "CELERY_RESULT_DB_TABLENAMES"),
        ("database_create_tables_at_setup", True),
    ],
    "A cache as a result back end": [
        ("cache_backend", None, "CELERY_CACHE_BACKEND"),
        ("cache_backend_options", {}, "CELERY_CACHE_BACKEND_OPTIONS"),
    ],
    "Cassandra as a result back end": [
        ("cassandra_entry_ttl", None),
        ("cassandra_keyspace", None),
        ("cassandra_port", None),
        ("cassandra_read_consistency", None),
        ("cassandra_servers", None),
        ("cassandra_bundle_path", None),
        ("cassandra_table", None),
        ("cassandra_write_consistency", None),
        ("cassandra_auth_provider", None),
        ("cassandra_auth_kwargs", None),
        ("cassandra_options", {}),
    ],
    "S3 as a result back end": [
        ("s3_access_key_id", None),
        ("s3_secret_access_key", None),
        ("s3_bucket", None),
        ("s3_base_path", None),
        ("s3_endpoint_url", None),
        ("s3_region", None),
    ],
    "Azure Block Blob as a result back end": [
        ("azureblockblob_container_name", "celery"),
        ("azureblockblob_retry_initial_backoff_sec", 2),
        ("azureblockblob_retry_increment_base", 2),
        ("azureblockblob_retry_max_attempts", 3),
        ("azureblockblob_base_path", ""),
        ("azureblockblob_connection_timeout", 20),
        ("azureblockblob_read_timeout", 120),
    ],
    "Google Cloud Storage as a result back end": [
        ("gcs_bucket", None),
        ("gcs_project", None),
        ("gcs_base_path", ""),
        ("gcs_ttl", 0),
    ],
    "Couchbase as a result back end": [
        ("couchbase_backend_settings", None, "CELERY_COUCHBASE_BACKEND_SETTINGS"),
    ],
    "ArangoDB as a result back end": [
        ("arangodb_backend_settings", None, "CELERY_ARANGODB_BACKEND_SETTINGS"),
    ],
    "MongoDB as a result back end": [
        ("mongodb_backend_settings", None, "CELERY_MONGODB_BACKEND_SETTINGS"),
    ],
    "CosmosDB as a result back end": [
        ("cosmosdbsql_database_name", "celerydb"),
        ("cosmosdbsql_collection_name", "celerycol"),
        ("cosmosdbsql_consistency_level", "Session"),
        ("cosmosdbsql_max_retry_attempts", 9),
        ("cosmosdbsql_max_retry_wait_time", 30),
    ],
    "Elasticsearch as a result back end": [
        ("elasticsearch_retry_on_timeout", None, "CELERY_ELASTICSEARCH_RETRY_ON_TIMEOUT"),
        ("elasticsearch_max_retries", None, "CELERY_ELASTICSEARCH_MAX_RETRIES"),
        ("elasticsearch_timeout", None, "CELERY_ELASTICSEARCH_TIMEOUT"),
        ("elasticsearch_save_meta_as_text", True, "CELERY_ELASTICSEARCH_SAVE_META_AS_TEXT"),
    ],
}

_SENTINELS = "How the sentinels of a Redis server are asked: master_name and sentinel_kwargs; nothing else of it counts"

#: What a Redis server's URL leaves out.
_OF_REDIS = [
    Setting(
        "broker_use_ssl",
        False,
        "broker_url, of a Redis server, is by TLS: with the ssl_ca_certs, ssl_certfile and so on of this mapping",
        _unchanged,
    ),
    Setting(
        "redis_backend_use_ssl",
        None,
        "The same of result_backend, where it says otherwise",
        _unchanged,
        "CELERY_REDIS_BACKEND_USE_SSL",
    ),
    Setting("broker_transport_options", {}, _SENTINELS, mapping),
    Setting("result_backend_transport_options", {}, _SENTINELS, mapping, "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS"),
]

SETTINGS = _OF_REDIS + [
    unused(row[0], row[1], f"{about}: there is one store", row[2] if len(row) > 2 else None)
    for about, rows in _ABOUT.items()
    for row in rows
]
