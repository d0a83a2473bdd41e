"""What extractors share: checks, work space, colours, resizing."""
