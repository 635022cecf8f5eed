"""What a room looks like after some of its events: the live board and any moment of a replay alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Event(NamedTuple):
    """Something that happened in a room."""

    number: int
    kind: str
    team: str
    body: Mapping[str, Any]
    created: datetime


class Team(NamedTuple):
    """A team as it stands: its members, its last submission and how that came out."""

    members: tuple[str, ...] = ()
    submitted: int = 0  # the number of its last submission; 0 before the first
    round: int = 0  # in which it submitted
    text: str = ""
    note: str = ""
    outcome: Mapping[str, Any] | None = None
    cards: int = 0  # dealt when the outcome was worked out
    of: int = 0  # the submission the outcome is of


class Board(NamedTuple):
    """A room after some of its events."""

    number: int = 0  # of the last event read
    round: int = 1
    dealt: tuple[tuple[str, int], ...] = ()  # card and year
    teams: Mapping[str, Team] = {}
    start: Team = Team()  # the starting policy under the cards: what doing nothing comes to
    closed: bool = False

    def current(self, team: Team) -> bool:
        """Whether a team's outcome is that of its last submission under all the cards dealt."""
        return team.outcome is not None and (team.of, team.cards) == (team.submitted, len(self.dealt))

    def waiting(self) -> list[str]:
        """The teams whose outcome is not yet worked out; the starting policy as an empty name."""
        played = {"": self.start} | {name: team for name, team in self.teams.items() if team.submitted}
        return [name for name, team in played.items() if not self.current(team)]


def board(events: Iterable[Event]) -> Board:
    """What a room looks like after some events, read in order.

    >>> from datetime import datetime
    >>> at = datetime(2026, 9, 1)
    >>> after = board([Event(1, "joined", "A", {"name": "Li"}, at),
    ...                Event(2, "dealt", "", {"card": "c", "year": 2030}, at)])
    >>> after.teams["A"].members, after.dealt, after.waiting()
    (('Li',), (('c', 2030),), [''])
    """
    found, teams = Board(), {}
    for event in events:
        body = event.body
        team = teams.get(event.team, Team())
        if event.kind == "joined":
            teams[event.team] = team._replace(members=(*team.members, body["name"]))
        elif event.kind == "submitted":
            teams[event.team] = team._replace(submitted=event.number, round=found.round, text=body["text"],
                                              note=body["note"])
        elif event.kind == "result":
            mine = teams.get(event.team) if event.team else found.start
            # A result that is overtaken by a newer submission or card says nothing of how things stand.
            if mine and (body["of"], body["cards"]) == (mine.submitted, len(found.dealt)):
                mine = mine._replace(outcome=body["outcome"], of=body["of"], cards=body["cards"])
                if event.team:
                    teams[event.team] = mine
                else:
                    found = found._replace(start=mine)
        elif event.kind == "dealt":
            found = found._replace(dealt=(*found.dealt, (body["card"], body["year"])))
        elif event.kind == "round":
            found = found._replace(round=body["round"])
        elif event.kind == "closed":
            found = found._replace(closed=True)
        found = found._replace(number=event.number)
    return found._replace(teams=teams)
