"""A stand-in NetSuite: sign-in, REST records, SuiteQL and the limit of requests at once, for two accounts, over HTTP.

    with running(NetSuite()) as url:                       # the accounts are at f"{url}/{slug}/services/rest/…"
        ...

The real one has a host of its own for each account (``https://1234567.suitetalk.api.netsuite.com``); here the account's slug is the
first step of the path. What is known of NetSuite has its source beside it; what is only believed is marked UNVERIFIED.
"""
