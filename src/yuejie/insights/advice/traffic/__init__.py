"""A month's calls as advice reads them: cells, what may serve them, and what keys say of them."""
