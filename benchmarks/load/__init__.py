"""What loading costs: device-days a second, rows, bytes, memory, and how they grow."""
