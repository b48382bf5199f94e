"""The bot that staff talk to: what a reader says, what follows, and what is said back."""
