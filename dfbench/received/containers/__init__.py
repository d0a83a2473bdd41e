"""Files that lie inside of files: archives and shards of images, read in place, never unpacked.

A path that goes on behind an archive (``faces.zip/real/1.png``), or names what shards in a folder
hold (``faces/train/fake/000001``), is read as if it lay on the disk, see
`dfbench.received.containers.places`. What a container says of itself is not believed: nothing is
held that is larger than was asked for, and a name leads nowhere but into it.
"""
