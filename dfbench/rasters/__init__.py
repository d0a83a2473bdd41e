"""Pictures that Pillow decodes, in a process of its own: what is no ordinary JPEG or PNG."""
