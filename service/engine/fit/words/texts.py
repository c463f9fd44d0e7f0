"""The texts of fits: of reasons, cautions, levels and effects."""

import json
from pathlib import Path
from typing import Final, Literal, TypeAlias

Topic: TypeAlias = Literal["table", "estimate", "quality", "verdict", "finding"]
Sentence: TypeAlias = tuple[Topic, str]

# By kind and slug: the sentence and the advice of a finding with its conditions, and what the
# documents say of it; the headline and the verdict of a level.
TEXTS: Final[dict[str, dict[str, dict[str, str]]]] = json.loads(
    Path(__file__).with_name("texts.json").read_text("utf-8")
)
