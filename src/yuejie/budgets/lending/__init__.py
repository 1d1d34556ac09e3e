"""What is lent to gateways of each window, what comes back, and what is spent."""
