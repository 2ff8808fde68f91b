"""What if the world has changed since training? epopt: train on many worlds, keep the worst."""
