"""One analysis under a few choices: menus in JupyterLab, folded states on a page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from ecomops.base import checks
from ecomops.base.errors import OptionError
from ecomops.report.head import interactive
from ecomops.result import html
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ecomops.result import Result

MOST_STATES = 60


@dataclass(frozen=True, eq=False)
class State:
    """One combination of choices and the result it gives."""

    chosen: Mapping[str, object]
    result: Result

    @property
    def name(self) -> str:
        """The choices in words."""
        return " · ".join(self.option(name)[0] for name in self.chosen)

    def option(self, name: str) -> tuple[str, object]:
        """Return what the value chosen for `name` is called, and the value."""
        words, value = self.result.words(), self.chosen[name]
        return str(words.find("values", name, str(value)) or words.label(value)), value

    def body(self) -> str:
        """Return answer and chart as HTML."""
        if self.result.locked:
            return html.body(self.result)
        words = self.result.words()
        answer = (self.result.sentences() or [words.find("name") or self.result.code])[0]
        return f'<p class="answer">{html.prose(answer)}</p>{html.figure(self.result, words)}'


@dataclass(frozen=True, eq=False)
class Explorer:
    """Every state of one analysis; shows menus where widgets live, else one fold per state."""

    states: tuple[State, ...]
    lang: str

    def fallback(self) -> str:
        """Return one ``<details>`` per state, of which the reader opens one at a time."""
        group = f"explore-{self.states[0].result.code}"
        folds = "".join(
            f'<details name="{escape(group)}"{" open" if number == 0 else ""}>'
            f"<summary>{escape(state.name)}</summary>{state.body()}</details>"
            for number, state in enumerate(self.states)
        )
        words, own = Words("report.explore", self.lang), self.states[0].result.words()
        title = escape(words.say("title", name=own.find("name"), n=len(self.states)))
        said = escape(words.say("states"))
        return f'<div class="states"><h3>{title}</h3><p class="small mute">{said}</p>{folds}</div>'

    def widget(self) -> Any:
        """Return one menu per choice above the state they name."""
        import ipywidgets  # noqa: PLC0415 - only where a notebook shows it

        words = self.states[0].result.words()
        menus = {
            name: ipywidgets.Dropdown(
                options=list(dict.fromkeys(state.option(name) for state in self.states)),
                description=str(words.find("choices", name) or name),
                style={"description_width": "initial"},
            )
            for name in self.states[0].chosen
        }
        screen = ipywidgets.HTML()

        def show(_: object = None) -> None:
            wanted = {name: menu.value for name, menu in menus.items()}
            screen.value = html.framed(self.at(wanted).body(), self.lang)

        for menu in menus.values():
            menu.observe(show, "value")
        show()
        return ipywidgets.VBox([ipywidgets.HBox(list(menus.values())), screen])

    def at(self, chosen: Mapping[str, object]) -> State:
        """Return the state of these choices."""
        return next(state for state in self.states if dict(state.chosen) == dict(chosen))

    def to_dict(self) -> dict[str, Any]:
        """Return which analysis this is and what each state says, as JSON types."""
        said = [
            {"chosen": dict(s.chosen), "text": s.result.explain(self.lang)} for s in self.states
        ]
        return {"code": "report.explore", "of": self.states[0].result.code, "states": said}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return interactive(self, (f"{s.name}: {s.result.explain(self.lang)}" for s in self.states))


def explore(
    analysis: Callable[..., Result],
    table: object,
    *,
    choices: Mapping[str, Sequence[object]],
    lang: str | None = None,
) -> Explorer:
    """Return an explorer of `analysis` on `table` over every combination of `choices`.

    `choices` maps an option of the analysis to the values offered. All states are computed at once,
    so that the exported page has them too.

    Raises `OptionError` when there are more than 60 combinations, or none.

    >>> import ecomops as eo
    >>> shop = eo.open("demo")
    >>> explorer = explore(
    ...     eo.product.pareto, shop.order_lines, choices={"value": ["amount", "quantity"]}
    ... )
    >>> [state.name for state in explorer.states]
    ['sales', 'pieces sold']
    """
    lang = checks.language(lang)
    count = prod(len(values) for values in choices.values())
    if not choices or not 0 < count <= MOST_STATES:
        raise OptionError("too_many_states", count=count, most=MOST_STATES)
    combined = (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))
    states = (State(chosen, analysis(table, **chosen, lang=lang)) for chosen in combined)
    return Explorer(tuple(states), lang)
