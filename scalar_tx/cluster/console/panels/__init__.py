"""What does each panel ask of the node? A file for each; ``console.panel`` finds them here."""
