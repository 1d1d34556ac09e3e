"""A customer says: this money is ours."""
