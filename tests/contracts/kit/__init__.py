"""The conformance kit: holds any SDK, in any language, to docs/protocol.md by what it does.

The kit starts the SDK's *driver*, a small program that reads commands as lines of JSON and answers each with one,
and gives it an edge on loopback that keeps what it gets and can go wrong in every way a network does.
``python -m tests.contracts.kit --driver "my-driver"`` prints the table of what holds.
"""
