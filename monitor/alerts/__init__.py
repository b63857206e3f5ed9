"""How the team hears of a case: the outbox, what a message says, and the ways it travels."""
