"""Why a detector says what it says of a picture: which places, features and members spoke."""
