"""Networks of timm, torchvision and open_clip, with default, local or random weights."""
