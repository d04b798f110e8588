"""One function of each tier, timed by pyperf, as a ratio to a loop that is timed beside it."""
