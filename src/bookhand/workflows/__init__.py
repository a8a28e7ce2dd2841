"""Finance jobs, one a room; siblings never import each other."""
