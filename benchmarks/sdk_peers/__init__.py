"""The SDK beside others that do the same day in the same run."""
