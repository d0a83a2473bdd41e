"""What a user is told of a data set: its numbers, and what is wrong with it."""
