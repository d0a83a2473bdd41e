"""What came out of a run: records and scores on disk, figures with intervals, the leaderboard."""
