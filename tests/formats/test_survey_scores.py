"""Questions that ask for NPS or CSAT on its scale get that type, and the metrics work.

Truth: answers planted by hand, shares worked out by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ecomops as eo
from ecomops import metrics
from ecomops.data.formats import load_into

if TYPE_CHECKING:
    from pathlib import Path


def survey(path: Path, questions: dict[str, list[str]]) -> Path:
    """Write Google Forms responses, a minute apart."""
    rows = [["Timestamp", *questions]]
    for n, answers in enumerate(zip(*questions.values(), strict=True)):
        rows.append([f"2026/06/01 10:0{n}:00", *answers])
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
    path.write_text(text + "\n", encoding="utf-8")
    return path


NPS = "您有多大可能向朋友推荐我们？（0-10分）"
CSAT = "Overall, how satisfied are you?"


def test_nps_and_csat_come_from_a_survey_as_it_is_exported(tmp_path: Path) -> None:
    """Two promoters, one detractor of four: 25; three of four answers are 4 or 5: 75 %."""
    asked = {NPS: ["9", "10", "7", "0"], CSAT: ["5", "4", "4", "1"], "More?": ["9", "a", "b", "c"]}
    done = load_into(survey(tmp_path / "form.csv", asked), tmp_path / "shop")
    shop = eo.open(tmp_path / "shop")
    assert metrics.compute(shop, "nps")["value"].tolist() == [25]
    assert metrics.compute(shop, "csat")["value"].tolist() == [0.75]
    (told,) = (p for p in done.problems if p.code == "question_typed")
    assert (told.action, told.count) == ("changed", 2)
    assert told.examples == (f"{NPS} → nps", f"{CSAT} → csat")


@pytest.mark.parametrize(
    ("question", "answers", "kind", "flagged"),
    [
        ("How likely are you to recommend us? (0 = not at all, 10 = very)", "1 2", "nps", False),
        ("How likely is it that you would recommend us?", "8 2", "nps", False),
        ("How likely is it that you would recommend us?", "5 2", "number", True),
        ("您会向亲友推荐我们吗？（1-5分）", "5 4", "number", True),
        ("您会向亲友推荐我们吗？（0-10分）", "5 11", "number", True),
        ("对推荐的商品打几分?（0-10分）", "5 9", "number", False),
        ("3、对 5 月的客服满意吗？", "3 4", "number", True),
        ("3. 对客服满意吗？", "3 5", "csat", False),
        ("满意度（1=非常不满意，5=非常满意）?", "1 2", "csat", False),
        ("满意度（1=非常满意，5=非常不满意）?", "1 5", "number", True),
        ("Are you satisfied (1-7)?", "5 4", "number", True),
        ("Are you satisfied?", "4.5 5", "number", False),
        ("您不满意的次数?", "1 5", "number", False),
        ("How dissatisfied are you?", "1 5", "number", False),
    ],
)
def test_a_score_is_typed_only_where_wording_and_answers_agree(
    question: str, answers: str, kind: str, tmp_path: Path, *, flagged: bool
) -> None:
    """A scale that is another one, turned round or not to be told stays a number; some are said."""
    done = load_into(survey(tmp_path / "f.csv", {question: answers.split()}), tmp_path / "shop")
    rows = pd.read_parquet(tmp_path / "shop" / "survey_answers.parquet")
    assert rows.question_type.tolist() == [kind, kind]
    codes = {p.code for p in done.problems if p.code.startswith("question_")}
    told = "question_unsure" if flagged else "question_typed"
    assert codes == ({told} if flagged or kind != "number" else set())
