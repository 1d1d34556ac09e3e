"""A template and its compiler: data in, PDF out.

The template is markup, what it shows is data: it travels as one JSON string into the template's
inputs, and a string shown by Typst is never read as markup.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock

import msgspec
import typst

from yuejie.paper.printable import FONTS


class Template:
    """One Typst file, set in our fonts and no others.

    Its compiler is kept for the life of the process, because reading nine megabytes of fonts takes
    longer than setting a document. It is one object with one memory: one document at a time.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._turn = Lock()

    def to_pdf(self, data: Mapping[str, object], *, dated: datetime) -> bytes:
        """Set data on pages as PDF/A-2u; the template finds it in `sys.inputs` under its own name.

        The same data and date give the same bytes.
        """
        inputs = {self._source.stem: msgspec.json.encode(data).decode()}
        with self._turn:
            pages = self._compiler.compile(
                format="pdf",
                sys_inputs=inputs,
                timestamp=int(dated.timestamp()),
                pdf_standards="a-2u",
                pdf_tags=False,
            )
        assert isinstance(pages, bytes), "one PDF was asked for"
        return pages

    @cached_property
    def _compiler(self) -> typst.Compiler:
        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]
        )
        root = str(self._source.parent)
        return typst.Compiler(str(self._source), root=root, font_paths=fonts)
