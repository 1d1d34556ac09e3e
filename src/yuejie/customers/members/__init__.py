"""Members: the people who act under their own names, the operator's and the customers'."""
