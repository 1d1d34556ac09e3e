"""The operator's house: customers, drafts, providers, prices, presales, trials, deeds, system."""
