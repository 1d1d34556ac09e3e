"""The customer's word about a bill before it is issued: asked for, given, or withheld."""
