"""A population of simulated devices that drives the whole house through the real SDK."""
