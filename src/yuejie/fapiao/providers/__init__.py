"""Those who issue for us: a neutral port, Nuonuo, Baiwang, and a person with a browser."""
