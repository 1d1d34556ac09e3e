"""Auto models: names that customers ask for, behind which a declared policy chooses a model."""
