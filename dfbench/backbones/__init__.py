"""Networks of timm and torchvision, with ImageNet, local or random weights."""
