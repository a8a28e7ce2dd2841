"""CSV: a table whose columns the bank named as it liked. What stands where is proposed with the evidence, confirmed once by a person, remembered."""
