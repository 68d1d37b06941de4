"""Checks every link of a built book: pages, pictures and places within pages. `python links.py BOOK`"""

import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and the places that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def main():
    book = pathlib.Path(sys.argv[1]).resolve()
    pages = {path: Page(path.read_text()) for path in sorted(book.rglob("*.html"))}
    checked, broken = 0, []
    for path, page in pages.items():
        if path.name in ("print.html", "toc.html", "404.html"):  # made of the others
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            checked += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(parts.fragment)
            if not target.is_file() or not target.is_relative_to(book):
                broken.append(f"{path.relative_to(book)}: {link}: no such page")
            elif place and target in pages and place not in pages[target].places:
                broken.append(f"{path.relative_to(book)}: {link}: no such place on the page")
    for line in sorted(set(broken)):
        print(line)
    print(f"the manual: {len(pages)} pages, {checked} links, {len(set(broken))} broken")
    sys.exit(bool(broken))


main()
