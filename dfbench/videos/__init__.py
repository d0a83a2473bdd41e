"""From videos to folders of images: frames, or the faces in them, each video a source."""
