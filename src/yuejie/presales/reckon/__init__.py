"""What a need, or past usage, comes to under a plan: pure, by the rules that draw bills."""
