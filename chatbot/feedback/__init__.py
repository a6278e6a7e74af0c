"""What the forge says after publishing: checks, reviews, merges; and issues that ask for work."""
