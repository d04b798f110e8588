"""``headcount doctor``: whether a machine and its settings are fit for the house, before it runs and while it does."""
