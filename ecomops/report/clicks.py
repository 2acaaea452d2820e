"""Accept or reject advice: buttons in JupyterLab that write to the ledger, a list on a page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ecomops.base import checks
from ecomops.report.head import interactive
from ecomops.result import html
from ecomops.result.words import Words

if TYPE_CHECKING:
    from ecomops.report.memory import Ledger
    from ecomops.store.decide import Decide
    from ecomops.store.proposals import Proposal

ACCEPTED, REJECTED, OPEN = "accepted", "rejected", "open"


@dataclass(frozen=True, eq=False)
class Ticks:
    """The advice of a list with what was decided about it."""

    todo: Decide
    book: Ledger
    lang: str

    @property
    def words(self) -> Words:
        """The words around the list."""
        return Words("report.ticks", self.lang)

    def states(self) -> list[tuple[Proposal, str, str]]:
        """Return each piece of advice that holds, whether it was accepted, and by whom."""
        keys = ["analysis", "code", "subject"]
        rows = self.book.actions[["id", *keys]].to_dict("records")
        ids = {tuple(row[key] for key in keys): row["id"] for row in rows}
        last = {row["action"]: row for row in self.book.decisions.to_dict("records")}
        found = []
        for proposal in self.todo.chosen:
            action = proposal.action
            made = last.get(ids.get((proposal.analysis, action.code, action.subject)))
            state = OPEN if made is None else ACCEPTED if made["accepted"] else REJECTED
            found.append((proposal, state, str(made["owner"]) if made else ""))
        return found

    def write(self, proposal: Proposal, *, accepted: bool, owner: str) -> None:
        """Write one decision, and the list it was taken from, to the ledger."""
        self.book.propose(self.todo)
        self.book.decide(proposal, accepted=accepted, owner=owner)

    def sentence(self, proposal: Proposal) -> str:
        """Return what the advice says to do."""
        return self.todo.words(self.lang).label(proposal.key)

    def fallback(self) -> str:
        """Return the list with what was decided, as HTML."""
        words = self.words
        rows = "".join(
            f"<li><span>{html.prose(self.sentence(p))}</span> "
            f"<b>{escape(words.label(state))}{escape(f' · {owner}') if owner else ''}</b></li>"
            for p, state, owner in self.states()
        )
        if not rows:
            return f'<p class="basis"><span>{escape(words.say("nothing"))}</span></p>'
        head = f"<h3>{escape(words.say('name'))}</h3>"
        how = f'<p class="basis"><span>{escape(words.say("how"))}</span></p>'
        listed = f'<ul style="list-style:none;padding:0">{rows}</ul>'
        return f'<div class="ticks">{head}{listed}{how}</div>'

    def widget(self) -> Any:
        """Return a field for the owner and, per piece of advice, what to make of it."""
        import ipywidgets  # noqa: PLC0415 - only where a notebook shows it

        words = self.words
        owner = ipywidgets.Text(description=words.say("owner"), placeholder=words.say("who"))
        said = ipywidgets.HTML()
        lines = []
        for proposal, state, _ in self.states():
            choice = ipywidgets.ToggleButtons(
                options=[(words.label(each), each) for each in (OPEN, ACCEPTED, REJECTED)],
                value=state,
            )
            choice.observe(self._writer(proposal, owner, said), "value")
            text = ipywidgets.HTML(f"<b>{escape(self.sentence(proposal))}</b>")
            lines.append(ipywidgets.VBox([text, choice]))
        return ipywidgets.VBox([owner, *lines, said])

    def _writer(self, proposal: Proposal, owner: Any, said: Any) -> Any:
        """Return what a change of one choice does."""

        def write(change: dict[str, Any]) -> None:
            if change["new"] == OPEN:
                return
            if not owner.value.strip():
                said.value = escape(self.words.say("no_owner"))
                change["owner"].value = OPEN
                return
            self.write(proposal, accepted=change["new"] == ACCEPTED, owner=owner.value)
            state = self.words.label(change["new"])
            said.value = escape(self.words.say("written", state=state, owner=owner.value))

        return write

    def to_dict(self) -> dict[str, Any]:
        """Return each piece of advice with its state, as JSON types."""
        rows = [{"action": p.key, "state": state, "owner": who} for p, state, who in self.states()]
        return {"code": "report.ticks", "states": rows}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return interactive(self, (f"{self.sentence(p)}: {s}" for p, s, _ in self.states()))


def ticks(todo: Decide, book: Ledger, *, lang: str | None = None) -> Ticks:
    """Return the advice that holds, to be accepted or rejected with a click.

    A decision and the list it was taken from are written to `book` at once. On a page the list
    shows what was decided.

    >>> import ecomops as eo
    >>> shop = eo.open("demo")
    >>> todo = eo.store.decide(eo.channel.attribution(shop.touchpoints, margin=shop.margin))
    >>> shown = ticks(todo, eo.report.ledger(shop))
    >>> shown.write(todo.chosen[0], accepted=True, owner="Li")
    >>> [(state, owner) for _, state, owner in shown.states()]
    [('accepted', 'Li')]
    """
    return Ticks(todo, book, checks.language(lang or todo.lang))
