"""What a reader with a small screen, a keyboard, a screen reader or weak eyes runs into, asked of an open page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

_STRUCTURE = """() => {
  const found = [];
  const told = (element) => element.outerHTML.slice(0, 120);
  const name = (element) => (element.ariaLabel ?? element.textContent).trim();
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    if (Number(heading.tagName[1]) > level + 1) found.push(`a level is left out: ${told(heading)}`);
    level = Number(heading.tagName[1]);
  }
  if (!["en", "de"].includes(document.documentElement.lang)) found.push("no language");
  for (const landmark of ["header", "main", "footer"])
    if (document.querySelectorAll(`body > ${landmark}`).length !== 1) found.push(`not one ${landmark}`);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select"))
    if (!field.labels.length) found.push(`no label: ${told(field)}`);
  for (const used of document.querySelectorAll("a, button, summary"))
    if (!name(used)) found.push(`no name: ${told(used)}`);
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) found.push("a table without caption");
    for (const head of table.querySelectorAll("th")) if (!head.scope) found.push(`no scope: ${told(head)}`);
  }
  for (const picture of document.querySelectorAll("img:not([alt]), svg:not([aria-hidden])")) found.push(told(picture));
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) found.push(`an id twice: ${ids}`);
  for (const attribute of ["aria-labelledby", "aria-describedby"])
    for (const element of document.querySelectorAll(`[${attribute}]`))
      if (!document.getElementById(element.getAttribute(attribute))) found.push(`names nothing: ${told(element)}`);
  for (const sign of document.querySelectorAll(".sign, .mark > :first-child"))
    if (sign.ariaHidden !== "true" || !sign.parentElement.textContent.replace(sign.textContent, "").trim())
      found.push(`a sign without a word: ${told(sign.parentElement)}`);
  const code = "script:not([src]):not([type='application/json'])";
  if (document.querySelector(`[style]:not(.uplot, .uplot *), style, [onclick], ${code}`))
    found.push("inline style or script");
  return found;
}"""

_FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => rgb(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (rgb(colour)[3] === 255) return colour;
    }
    return "Canvas";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || ["SCRIPT", "OPTION"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const [low, high] = [light(style.color), light(ground(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.7 && style.fontWeight >= 700;
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
  }
  return found;
}"""

_STOPS = """() => [
  ...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']"),
].filter((element) => element.checkVisibility({ visibilityProperty: true })).length"""

_WHERE = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  element.dataset.reached ??= String(document.querySelectorAll("[data-reached]").length);
  const style = getComputedStyle(element);
  return [element.dataset.reached, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
}"""


def faults_of_structure(page: Page) -> list[str]:
    return _texts(page.evaluate(_STRUCTURE))


def faint_texts(page: Page) -> list[str]:
    """Texts whose contrast is below what WCAG AA asks for."""
    return _texts(page.evaluate(_FAINT))


def overhang(page: Page) -> int:
    """Pixels by which a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def stops(page: Page) -> int:
    """How many things there are that a keyboard has to reach."""
    return int(page.evaluate(_STOPS))


def reached_by_tab(page: Page, most: int) -> tuple[int, bool]:
    """How many of them Tab comes by, and whether the focus could be seen at each."""
    seen: set[str] = set()
    visible = True
    for _ in range(most + 10):
        page.keyboard.press("Tab")
        place: Any = page.evaluate(_WHERE)
        if place is None or (place[0] in seen and len(seen) >= most):
            break
        seen.add(place[0])
        visible = visible and place[1]
    return len(seen), visible


def _texts(found: Any) -> list[str]:
    return [str(each) for each in found]
