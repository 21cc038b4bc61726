"""Language models as policies: prompts are states, tokens are actions."""
