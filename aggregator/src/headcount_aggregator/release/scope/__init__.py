"""Numbers across Customers: of one Partner's, or of all. They identify no Customer, and no User."""
