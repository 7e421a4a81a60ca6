"""The dashboard's own API: JSON below /api/v1, described by one table from which its OpenAPI document is made."""
