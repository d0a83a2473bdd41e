"""The leaderboard and what stands beside it, computed from records."""
