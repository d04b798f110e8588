"""What the edge can take: beside a bare aiohttp handler, at 80 % of its capacity, at five times it, and for an hour."""
