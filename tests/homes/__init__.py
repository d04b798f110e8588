"""Servers that tests start: ClickHouse, ZooKeeper, and a cluster of them, each on free loopback ports."""
