"""How does one agent learn one task? The engines that ideas drive.

ppo: learns from what it just did, in very many worlds at once. sac: learns from all that it ever did, and
so needs fewer steps. q_learning: small tables, many seeds side by side, with or without a prior. bandits,
bandit_optimum and psrl: explore by what they believe, which can be written down for arms and small tables;
for few arms even what is optimal, exactly.
"""
