"""Which weights come with the course? Small policies, each with a card that says how it was trained.

store: read and write weights with their card. recipes: how each of them was trained.
"""
