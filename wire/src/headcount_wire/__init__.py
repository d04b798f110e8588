"""What crosses a line: report, segment, catalog, codec, limits, problems.

Standard library only, no I/O except reading the declared files it is pointed to. The SDK, the edge and the aggregator
depend on this package and not on each other. Each module is imported by its own name, so that an app pays only for
what it uses: ``catalog`` and ``catalog_file``, ``report`` and ``codec``, ``facts``, ``buckets``, ``dimensions``,
``policy``, ``problems``, ``segment``, ``organisation``, ``limits``, ``days``, ``clock``.
"""
