"""The harness itself: it must see the faults it is there for, and none in a good page."""

from __future__ import annotations

import pytest

from tests.browser.harness import LOOKS, Look

pytestmark = pytest.mark.browser
LIGHT, PHONE = LOOKS[0], LOOKS[2]
PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Orders</title>
<meta name="viewport" content="width=device-width">{head}</head>
<body><main><h1>{title}</h1>{body}</main></body></html>"""

BESIDE = """<div style='position:relative;height:2em'><b style='position:absolute'>¥245</b>
<b style='position:absolute;left:{}px'>¥1,111</b></div>"""


def page(tmp_path, body="<p>12 orders</p>", *, title="Orders", head="", lang="en"):
    path = tmp_path / "page.html"
    html = PAGE.format(body=body, title=title, head=head, lang=lang)
    path.write_text(html, encoding="utf-8")
    return path


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_good_page_gives_no_objection(visit, tmp_path, look: Look):
    seen = visit(page(tmp_path, "<p>双11 当天 12 单，¥3,250</p>", title="订单", lang="zh"), look)
    assert seen.objections() == []
    assert any("CJK" in font or "Han" in font for font in seen.fonts), seen.fonts
    assert seen.screenshot.stat().st_size > 1000


@pytest.mark.parametrize(
    ("body", "look", "kind"),
    [
        ("<script>throw new Error('broken')</script>", LIGHT, "console: "),
        ("<script>console.error('broken')</script>", LIGHT, "console: broken"),
        ("<img alt='' src='https://cdn.example/x.png'>", LIGHT, "request: https://cdn.example"),
        ("<p style='background:url(//cdn.example/x.png)'>a</p>", LIGHT, "request: "),
        ("<svg role='img'><path d='M0 0h9v9z'/></svg>", LIGHT, "axe: svg-img-alt"),
        ("<p style='color:#aaa;background:#fff'>pale</p>", LIGHT, "axe: color-contrast"),
        ("<div style='width:600px'>wide</div>", PHONE, "too wide: "),
        (BESIDE.format(30), LIGHT, "too close: ¥245 | ¥1,111"),
        ("<p>\ue123</p>", LIGHT, "not rendered: "),
        ("<svg><text y='9'>\ue123</text></svg>", LIGHT, "not rendered: "),
    ],
)
def test_each_fault_is_seen(visit, tmp_path, body, look, kind):
    objections = visit(page(tmp_path, body), look).objections()
    assert any(text.startswith(kind) for text in objections), objections


def test_texts_side_by_side_may_stand_apart(visit, tmp_path):
    assert visit(page(tmp_path, BESIDE.format(300)), LIGHT).objections() == []


def test_a_fault_in_the_dark_only_is_seen_in_the_dark_only(visit, tmp_path):
    dark = "<style>@media(prefers-color-scheme:dark){body{background:#111;color:#333}}</style>"
    path = page(tmp_path, head=dark)
    assert visit(path, LOOKS[0]).violations == []
    assert any("color-contrast" in text for text in visit(path, LOOKS[1]).violations)


def test_a_page_that_forbids_scripts_is_still_checked(visit, tmp_path):
    csp = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
    blocked = visit(page(tmp_path, "<script>1</script>", head=csp), LIGHT)
    assert any("Content Security Policy" in text for text in blocked.console)
    assert visit(page(tmp_path, "<p style='color:red'>x</p>", head=""), LIGHT).console == []
