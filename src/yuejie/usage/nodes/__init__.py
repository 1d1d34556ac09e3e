"""What a node's processes share on its disk, beside journals."""
