"""Pages of identity: a member's tokens, a customer's members, single sign-on."""
