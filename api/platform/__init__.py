"""What a platform's backend can do, with its API key."""
