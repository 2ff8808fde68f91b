"""How does one agent learn one task? The engine that every idea drives: ppo."""
