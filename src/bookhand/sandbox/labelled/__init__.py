"""Labelled payouts and bank lines, made by seed: what a matcher is measured on.

    world = generate(seed=1, payouts=1000)
    world.payouts, world.lines       # what a matcher gets, in no order
    world.labels                     # what belongs together, of which kind, and whether the data tell
    score(world.labels, matches)     # precision and recall for each kind

Nothing here knows how bookhand matches. A label says whether its answer can be told from the data at all (`truth`), by looking at what a careful
person would look at. Nobody can tell a copy of a line from a second payout where the bank gives no reference and the second payout's own line
is missing; such worlds are not made, and a matcher that is right here may be wrong in one.
"""

from bookhand.sandbox.labelled.score import Score, Tally, score
from bookhand.sandbox.labelled.shapes import Kind, Label, Payout, World
from bookhand.sandbox.labelled.world import generate

__all__ = ["Kind", "Label", "Payout", "Score", "Tally", "World", "generate", "score"]
