"""How a write becomes a proposal: what is there, the preview, what it does to the books, and the hash that an approval binds."""
