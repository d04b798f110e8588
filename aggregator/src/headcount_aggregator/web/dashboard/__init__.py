"""The dashboard: pages drawn on the server, from released numbers only."""
