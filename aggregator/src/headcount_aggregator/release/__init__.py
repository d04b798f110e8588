"""The only door: what may leave, decided by a rule, sealed once."""
