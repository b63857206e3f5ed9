"""The settings of brands, and of the authors whose words are not wanted."""

from __future__ import annotations

from pydantic import Field

from monitor.section import Language, Section


class BrandSettings(Section):
    name: str = Field(min_length=1, max_length=100, description="unique; what alerts and trends call the brand")
    match: str = Field(
        description='match expression: words, "phrases", @handles, #tags, AND OR NOT, parentheses, lang:, rating:'
    )
    accounts: list[str] = Field(
        default_factory=list,
        description="the brand's own accounts; what they write is never a complaint, and their replies stop the clock",
    )
    exclude: str | None = Field(
        None, description="match expression of what is not about the brand after all, such as `jobs OR giveaway`"
    )
    languages: list[Language] = Field(
        default_factory=list, description='ISO 639-1 codes such as "et": only these are kept; none: all'
    )
    block_authors: dict[str, list[str]] = Field(
        default_factory=dict, description="as `block` in [authors], for this brand alone"
    )
    allow_authors: dict[str, list[str]] = Field(
        default_factory=dict, description="as `allow` in [authors], for this brand alone"
    )
    competitor: bool = Field(False, description="collected for comparison, never alerted")
    product: str | None = Field(None, description="what templates call `{product}`; default: the name")


class AuthorsSettings(Section):
    """Whose words are not wanted, of whatever brand. Handles by source as in [vip]."""

    block: dict[str, list[str]] = Field(
        default_factory=dict, description='what these write is not kept, such as `"*" = ["@dealbot"]`'
    )
    allow: dict[str, list[str]] = Field(
        default_factory=dict, description="what these write is kept, whatever blocks, excludes or limits languages"
    )
