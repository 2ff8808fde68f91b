"""Whether a folder of HTML pages holds together without a network: each link, picture and script is there."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PICTURE_NAME = re.compile(r"\S+\.(png|jpe?g|gif|svg|webp)", re.IGNORECASE)
FROM_THE_NETWORK = re.compile(r"""(?:url\(|@import)\s*["']?\s*(?:https?:)?//[^"')\s]+""", re.IGNORECASE)


class Page(HTMLParser):
    """What a page names, leads to, loads and shows."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        """Addresses that a click leads to."""
        self.loaded: list[str] = []
        """Addresses that the page fetches by itself."""
        self.without_words: list[str] = []
        """Pictures whose alternative text is missing or only a file's name."""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag in ("a", "area") and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and "href" in given:
            self.loaded.append(given["href"])
        if "src" in given:
            self.loaded.append(given["src"])
        if tag == "img" and (
            not given.get("alt", "").strip() or PICTURE_NAME.fullmatch(given["alt"].strip())
        ):
            self.without_words.append(given.get("src", "")[:80])


def faults(folder: Path) -> list[str]:
    """What is wrong with the pages in a folder, one line a fault.

    Args:
        folder: of the pages; every file below it counts.

    Returns:
        Links and anchors that lead nowhere inside the folder, files that are missing, what would be fetched
        from the network, and pictures without words. Where a link leads on the network is not looked at.
    """
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve()).as_posix()
        for address in sorted(set(page.links + page.loaded)):
            fault = _fault(path, address, address in page.loaded, pages)
            if fault:
                found.append(f"{name}: {fault}")
        found += [f"{name}: a picture without words, {source}" for source in page.without_words]
    for sheet in sorted(folder.rglob("*.css")):
        fetched = FROM_THE_NETWORK.findall(sheet.read_text("utf-8"))
        found += [f"{sheet.relative_to(folder).as_posix()}: fetches {address}" for address in fetched]
    return found


def _fault(path: Path, address: str, loads: bool, pages: dict[Path, Page]) -> str | None:
    parts = urlsplit(address)
    if parts.scheme in ("data", "mailto", "javascript") and not parts.netloc:
        return None
    if parts.scheme in ("http", "https") or parts.netloc:
        return f"fetches {address}" if loads else None
    if parts.scheme or parts.path.startswith("/"):
        return f"leads out of the site, {address}"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return f"leads to nothing, {address}"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return f"leads to a place that {target.name} has not, {address}"
    return None
