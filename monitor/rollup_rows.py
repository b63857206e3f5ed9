"""How many mentions there were, by the hour, and what these counts add up to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base

SENTIMENTS = ("negative", "neutral", "positive")
MOODS = tuple((sentiment, complaint) for sentiment in SENTIMENTS for complaint in (False, True))
MEASURES = ("mentions", "rated", "stars")


def cell(measure: str, sentiment: str, complaint: bool) -> str:
    """The column of a tally that holds this measure of these mentions."""
    return f"{measure}_{sentiment}{'_complaint' if complaint else ''}"


class RollupRow(Base):
    """The mentions of one brand that were posted in one hour and are alike in all that trends ask for. What counts, and
    who keeps it right: monitor/rollups.py. The order of the key is that in which it is read: a brand, a span."""

    __tablename__ = "rollups"
    brand: Mapped[str] = mapped_column(String(100), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # since 1970-01-01T00Z
    source: Mapped[str] = mapped_column(String(100), primary_key=True)
    language: Mapped[str] = mapped_column(String(10), primary_key=True)
    sentiment: Mapped[str] = mapped_column(String(10), primary_key=True)
    topic: Mapped[str] = mapped_column(String(30), primary_key=True)
    complaint: Mapped[bool] = mapped_column(primary_key=True)
    mentions: Mapped[int]
    rated: Mapped[int]  # how many of them came with stars
    stars: Mapped[int]  # of these, together, in hundredths, so that taking away leaves no remainder
    __table_args__ = ({"sqlite_with_rowid": False},)


class LastWordRow(Base):
    """The last word that somebody said on a mention that counts, for each of its brands: `judged` is the verdict's,
    `said` the person's, `word_id` the correction. Who keeps it right: monitor/last_words.py. The key is read as that of
    the rollups is."""

    __tablename__ = "last_words"
    brand: Mapped[str] = mapped_column(String(100), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mention_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    source: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(10))
    sentiment: Mapped[str] = mapped_column(String(10))
    topic: Mapped[str] = mapped_column(String(30))
    judged: Mapped[bool]
    said: Mapped[bool]
    word_id: Mapped[int]
    __table_args__ = ({"sqlite_with_rowid": False},)


# What the rollups of an hour or a local day (`grain`, `bucket`: counted from 1970) add up to, apart for each value of
# the dimensions whose first letters are in `apart` ("", "b", "bs" ...); the other dimensions are "". Holds only while
# TALLIED says so; see monitor/tallies.py.
TALLIES = Table(
    "tallies",
    Base.metadata,
    Column("grain", String(4), primary_key=True),
    Column("apart", String(4), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    *(Column(name, String(n), primary_key=True) for name, n in (("brand", 100), ("source", 100))),
    *(Column(name, String(n), primary_key=True) for name, n in (("language", 10), ("topic", 30))),
    *(
        Column(cell(measure, *mood), BigInteger if measure == "stars" else Integer, nullable=False)
        for measure in MEASURES
        for mood in MOODS
    ),
    sqlite_with_rowid=False,
)

# The hours and days whose tallies are right: whoever changes a rollup from `first_hour` to before `end_hour` deletes
# the row. A day is that of `zone`.
TALLIED = Table(
    "tallied",
    Base.metadata,
    Column("grain", String(4), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("zone", String(50), nullable=False),
    Column("first_hour", Integer, nullable=False),
    Column("end_hour", Integer, nullable=False),
    sqlite_with_rowid=False,
)
