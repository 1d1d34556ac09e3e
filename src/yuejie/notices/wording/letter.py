"""A message in words, ready to be given the form of a channel."""

from dataclasses import dataclass

from yuejie.notices.channels.parcel import Parcel
from yuejie.notices.notice import Attachment, is_urgent
from yuejie.notices.wording.piece import Piece
from yuejie.notices.wording.render import (
    html_of,
    look_of,
    markdown_of,
    piece_of,
    text_of,
    title_of,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says in one language, under its id."""

    message_id: str
    language: str
    pieces: tuple[Piece, ...]
    urgent: bool
    attachments: tuple[Attachment, ...]

    @classmethod
    def of(cls, parcel: Parcel) -> "Letter":
        """Say what a parcel holds."""
        return cls(
            message_id=parcel.message_id,
            language=parcel.language,
            pieces=tuple(piece_of(each.kind, each.facts, parcel.language) for each in parcel.told),
            urgent=any(is_urgent(each.kind) for each in parcel.told),
            attachments=parcel.attachments,
        )

    @property
    def title(self) -> str:
        """Return its title, short enough for a subject line."""
        return title_of(self.pieces, self.language)

    @property
    def link(self) -> str:
        """Return the one link of the one notice in it, or nothing."""
        return self.pieces[0].link if len(self.pieces) == 1 else ""

    @property
    def look(self) -> str:
        """Return what the button of the link says."""
        return look_of(self.language)

    def text(self) -> str:
        """Return it as plain text."""
        return text_of(self.pieces, self.language, self.message_id)

    def html(self) -> str:
        """Return it as HTML."""
        return html_of(self.pieces, self.language, self.message_id)

    def markdown(self, *, most: int, newline: str = "\n", linked: bool = True) -> str:
        """Return it as Markdown of at most so many bytes; `linked` when no button says it."""
        return markdown_of(
            self.pieces,
            self.language,
            self.message_id,
            newline=newline,
            most=most,
            linked=linked,
        )
