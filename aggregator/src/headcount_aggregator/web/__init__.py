"""The web process: the query API and the dashboard. It sees sealed releases and nothing else."""
