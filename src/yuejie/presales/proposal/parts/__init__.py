"""The parts of a proposal, each composed from the same subject. Pure."""
