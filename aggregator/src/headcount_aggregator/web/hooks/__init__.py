"""What the dashboard sends by itself: the weekly summary, and changes that are beyond noise."""
