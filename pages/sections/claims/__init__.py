"""The page that holds the paper's claims against two models: its state, its controls, a card for each claim, and its charts."""
