"""Questions to a year of releases: how long each page and each answer of the API takes."""
