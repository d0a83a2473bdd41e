"""Tables that people keep labels in: read whatever their form, their ids matched to images."""
