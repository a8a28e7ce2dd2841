"""A stand-in QuickBooks Online: sign-in, companies with their charts, documents, queries, batches, reports, limits.

    books = QuickBooks(seed=1)
    with running(books) as url:
        …                        # the API under url/v3/company/{realm}/, sign-in under url/connect/oauth2 and url/oauth2/v1/tokens/bearer

``python -m bookhand.sandbox.quickbooks --port 12120`` serves it as a program. What it does not do it refuses by Intuit's own error
500 (unsupported), so that nobody builds on it. Facts: developer.intuit.com (errors, limits, batch, request ids) as of November 2026.
Where Intuit's pages leave a thing open, it behaves as the worse of the two would: a Deposit keeps no DocNumber and cannot be asked for
by one, PrivateNote cannot be asked for, items of a batch come back in any order, a journal number may be used twice.
"""
