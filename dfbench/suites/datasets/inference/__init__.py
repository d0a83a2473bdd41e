"""How a plain folder is read: what its folders, its tables and the names of its files tell."""
