"""From a body of the OpenAI Images API to the service's own orders."""

import re
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.bodies import Body
from api.complaints import Complaint, complaint
from api.submission import Piece, Submission
from api.validation import Envelope, read_fields, read_order
from shared.errors import InvalidRequest, UnsupportedMediaType
from shared.operations import AspectRatio, OutputFormat, Prompt, offered
from shared.settings import Settings

WHERE = "/v1/images/generations"
MOST_IMAGES = 10
Size = Literal[
    "auto", "1024x1024", "1536x1024", "1024x1536", "1792x1024", "1024x1792", "512x512", "256x256"
]
# For so long OpenAI's packages wait unless told otherwise: what nobody waits for any more is not bought.
_PATIENCE_SECONDS = 600
# A size is a wish for a shape: how many pixels there are is the model's choice.
RATIOS: dict[Size, AspectRatio] = {
    "auto": "1:1",
    "1024x1024": "1:1",
    "1536x1024": "3:2",
    "1024x1536": "2:3",
    "1792x1024": "16:9",
    "1024x1792": "9:16",
    "512x512": "1:1",
    "256x256": "1:1",
}
# Names that programs bring with them and let nobody change.
_OPENAIS = r"(?:dall-e|gpt-image|chatgpt-image)-[A-Za-z0-9._:-]{1,200}"
# These never took a response_format, and always answered the image itself.
_TELLS_IMAGES = re.compile(r"(?:gpt-image|chatgpt-image)-")
_OWN = "|".join(re.escape(name) for name in offered("generate"))
_MODEL = re.compile(rf"{_OWN}|{_OPENAIS}")
_Model = Annotated[
    str, Field(max_length=255, json_schema_extra={"pattern": f"^(?:{_MODEL.pattern})$"})
]
_Anybody = Annotated[str, Field(max_length=1_000)]


class ImagesRequest(BaseModel):
    """What that API takes, as far as it can be done here.

    From `quality` on nothing has an effect: they wish for a better, smaller or otherwise filtered image.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Prompt
    model: _Model | None = None
    n: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 1
    size: Size = "auto"
    response_format: Literal["url", "b64_json"] | None = None
    output_format: OutputFormat = "png"
    background: Literal["auto", "opaque"] = "auto"
    stream: Literal[False] = False
    partial_images: Literal[0] = 0
    quality: Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"] | None = (
        None
    )
    style: Literal["vivid", "natural"] | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    moderation: Literal["auto", "low"] | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    user: _Anybody | None = None
    safety_identifier: _Anybody | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, and whether it wants the images themselves or their addresses."""

    submission: Submission
    inline: bool


def most_images(settings: Settings) -> int:
    """Return how many images one request may ask for: several are a batch."""
    return min(MOST_IMAGES, settings.most_batch_jobs)


def read_images(body: Body, settings: Settings) -> Wanted:
    """Return what a body asks for; raise InvalidRequest with every fault, or UnsupportedMediaType."""
    if not body.typed:
        raise UnsupportedMediaType("Send application/json")
    asked, found = read_fields(ImagesRequest, body, WHERE)
    found += _wrong_model(body)
    if asked and asked.n > most_images(settings):
        found.append(complaint("n", f"must be an integer from 1 to {most_images(settings)}"))
    if asked is None or found:
        raise InvalidRequest([*found])
    fields = {
        "prompt": asked.prompt,
        "model": _variant(asked.model),
        "aspect_ratio": RATIOS[asked.size],
        "output_format": asked.output_format,
        "deadline_seconds": _deadline(settings),
    }
    order, wrong = read_order("generate", Body(fields, {}, typed=True), settings)
    if order is None:
        raise InvalidRequest([*wrong])
    batch = Envelope() if asked.n > 1 else None
    told = asked.response_format or _usual(asked.model)
    return Wanted(Submission((Piece(order),) * asked.n, batch), inline=told == "b64_json")


def _deadline(settings: Settings) -> int:
    patience = max(_PATIENCE_SECONDS, ceil(settings.max_wait_seconds))
    return min(patience, settings.job_deadline_seconds)


def _wrong_model(body: Body) -> list[Complaint]:
    model = body.fields.get("model")
    if isinstance(model, str) and not _MODEL.fullmatch(model):
        return [complaint("model", f"must be one of {', '.join(offered('generate'))}")]
    return []


def _variant(model: str | None) -> str:
    variants = offered("generate")
    return model if model in variants else next(iter(variants))


def _usual(model: str | None) -> str:
    return "b64_json" if model and _TELLS_IMAGES.match(model) else "url"
