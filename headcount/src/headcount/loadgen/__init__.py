"""``headcount load``: realistic devices against a deployment, and an account of every report they sent."""
