"""The dashboard's pages over a year of data: what they weigh, and when a browser has painted them."""
