"""What the stand-ins of systems other than Stripe share: a server, a clock, faults, and switches under ``/_standin``.

class Ledger(StandIn):
name = "Ledger"
def answer(self, request: Request) -> Response:
return reply({"hello": request.path})

with running(Ledger()) as url: ...              # over HTTP, on a free port of 127.0.0.1
start(Ledger, default_port=12112)               # `python -m …`: serves until stopped
"""
