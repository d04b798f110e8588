"""The query API: the same released numbers as the dashboard, as JSON, with an OpenAPI document."""
