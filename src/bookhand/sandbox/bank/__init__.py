"""A made-up bank: writes its statement files in every format, as such banks write them. Shares nothing with what reads them."""
