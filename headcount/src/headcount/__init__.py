"""The headcount command: runs the whole house on one machine, and looks after its declarations."""
