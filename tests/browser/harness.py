"""Open a page the way its readers will, and report what a person or a checker would object to."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.needs import absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path(
    os.environ.get(
        "ECOMOPS_AXE",
        Path.home() / ".cache/ecomops/axe/node_modules/axe-core/axe.min.js",
    )
)


@dataclass(frozen=True)
class Look:
    """One way of looking at a page."""

    name: str
    width: int = 1280
    height: int = 900
    scheme: str = "light"
    media: str = "screen"


LOOKS = (
    Look("light"),
    Look("dark", scheme="dark"),
    Look("phone", width=390, height=844),
    Look("phone-dark", width=390, height=844, scheme="dark"),
    Look("print", width=794, height=1123, media="print"),
)


@dataclass
class Visit:
    """What was seen in one look; every list is empty for a good page."""

    look: Look
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    overflow: list[str] = field(default_factory=list)
    crowded: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    fonts: set[str] = field(default_factory=set)
    screenshot: Path | None = None

    def objections(self) -> list[str]:
        """Return every objection as one line each."""
        lists = {
            "console": self.console,
            "request": self.requests,
            "axe": self.violations,
            "too wide": self.overflow,
            "too close": self.crowded,
            "not rendered": self.unseen,
        }
        return [f"{kind}: {text}" for kind, texts in lists.items() for text in texts]


def executable() -> str | None:
    """Return the distribution's Chromium, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def launched() -> Iterator[Browser]:
    """Yield a browser; skip where Chromium or Playwright is absent."""
    path = executable()
    if path is None:
        absent("Chromium is absent: install it from the distribution's packages")
    try:
        playwright = sync_playwright().start()
    except Exception as error:  # noqa: BLE001 - its driver raises nothing more specific
        absent(f"Playwright does not start ({error}); its driver needs libatomic1")
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()
    playwright.stop()


def axe() -> str:
    """Return axe-core's source."""
    if not AXE.is_file():
        absent(f"axe-core is absent: npm install --prefix {AXE.parents[2]} axe-core@4")
    return AXE.read_text(encoding="utf-8")


def visit(browser: Browser, path: Path, look: Look, *, shots: Path, checker: str) -> Visit:
    """Open the file `path` in one look, offline, and return what is wrong with it."""
    console: list[str] = []
    requests: list[str] = []
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        offline=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.emulate_media(media=look.media)
    page.on("console", lambda m: console.append(m.text) if m.type in NOISY else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.resolve().as_uri())
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("load")
    screenshot = shots / f"{path.stem}-{look.name}.png"
    page.screenshot(path=screenshot, full_page=True)
    seen = Visit(
        look,
        console=[*console],
        requests=[url for url in requests if not own(url, path)],
        overflow=page.evaluate(TOO_WIDE),
        crowded=page.evaluate(TOO_CLOSE),
        unseen=page.evaluate(NOT_RENDERED),
        screenshot=screenshot,
    )
    # from here on the tools ask for things themselves: that is not the page's doing
    seen.fonts = platform_fonts(page)
    seen.violations = violations(page, checker)
    context.close()
    return seen


def own(url: str, path: Path) -> bool:
    """Return whether a request stays inside the page."""
    return url.partition("#")[0] == path.resolve().as_uri() or url.startswith(("data:", "blob:"))


def violations(page: Page, checker: str) -> list[str]:
    """Return axe-core's violations: rule, help, and the first nodes."""
    page.evaluate(checker)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{rule['id']} ({len(rule['nodes'])}): {rule['help']}: "
        + " | ".join(node["html"][:160] for node in rule["nodes"][:3])
        for rule in found
    ]


def platform_fonts(page: Page) -> set[str]:
    """Return the fonts that really drew the page's Chinese text, asked from the browser itself."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    page.evaluate(MARK_CHINESE)
    root = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    query = {"nodeId": root, "selector": "[data-chinese]"}
    nodes = session.send("DOM.querySelectorAll", query)["nodeIds"]
    used = [session.send("CSS.getPlatformFontsForNode", {"nodeId": node}) for node in nodes[:200]]
    page.evaluate(
        "document.querySelectorAll('[data-chinese]').forEach(e => delete e.dataset.chinese)"
    )
    return {font["familyName"] for answer in used for font in answer["fonts"]}


NOISY = {"error", "warning", "assert"}

# elements that stick out of the page to the right, unless something scrolls or hides them
TOO_WIDE = """() => {
  const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
  if (wide <= room + 1) return [];
  const out = [...document.body.querySelectorAll('*')]
    .filter(e => e.getBoundingClientRect().right > room + 1)
    .map(e => `${e.tagName.toLowerCase()}.${e.getAttribute('class') || ''}`);
  return [`${wide} px of ${room}: ` + out.slice(0, 5).join(', ')];
}"""

# texts placed side by side that touch: less than a space of 3 px between them
TOO_CLOSE = """() => [...document.querySelectorAll('body *')].flatMap(parent => {
  const placed = [...parent.children].filter(child => child.textContent.trim()
    && getComputedStyle(child).position === 'absolute'
    && child.getBoundingClientRect().width > 1);
  return placed.flatMap((one, i) => placed.slice(i + 1).filter(other => {
    const [a, b] = [one, other].map(child => child.getBoundingClientRect());
    return a.left < b.right + 3 && b.left < a.right + 3 && a.top < b.bottom && b.top < a.bottom;
  }).map(other => one.textContent.trim() + ' | ' + other.textContent.trim()));
})"""

# a character that is drawn exactly as a code point no font has is an empty box
NOT_RENDERED = r"""() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 32, height: 32});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const drawn = (text, family) => {
    pen.clearRect(0, 0, 32, 32);
    pen.font = `24px ${family}`;
    pen.fillText(text, 2, 25);
    return pen.getImageData(0, 0, 32, 32).data.join();
  };
  const families = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (/^(script|style|title|desc)$/i.test(parent.tagName)) continue;
    const family = getComputedStyle(parent).fontFamily;
    if (!families.has(family)) families.set(family, new Set());
    for (const c of walker.currentNode.data)
      if (/[^\s\x00-\x7f]/.test(c)) families.get(family).add(c);
  }
  const boxes = [];
  for (const [family, characters] of families) {
    const box = drawn('\u{10FFF0}', family), blank = drawn(' ', family);
    for (const c of characters) {
      if (/[\u00a0\u2000-\u200f\u2028-\u202f\u2060\u3000\ufe0f\ufeff]/.test(c)) continue;
      const image = drawn(c, family);
      if (image === box || image === blank) boxes.push(`${c} (U+${c.codePointAt(0).toString(16)})`);
    }
  }
  return [...new Set(boxes)];
}"""

MARK_CHINESE = r"""() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (/[\u4e00-\u9fff]/.test(walker.currentNode.data) && parent.getClientRects().length)
      parent.dataset.chinese = '';
  }
}"""
