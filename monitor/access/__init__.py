"""Who may use the desk and the interface: people and their roles, sessions, tokens, and what is recorded of it all."""
