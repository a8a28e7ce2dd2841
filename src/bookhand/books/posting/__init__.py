"""The three posting methods, pure: from journal entries to the documents that a book is to hold.

`clearing` writes an entry as it is, `deposit` a bank deposit for each payout with everything that was in it, `summary` one entry a day.
All of them keep one law: for each account of the book, what the documents say is what the entries they cover say, mapped.
"""
