"""The slow oracle of cloud bills: from their rows to lines, by other means than bills."""
