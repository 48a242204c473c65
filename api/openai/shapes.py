"""What callers of the OpenAI API are answered; the OpenAPI document is made from these too."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from shared.operations import OutputFormat


class OpenAIErrorView(TypedDict):
    """One thing that went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIFaultView(TypedDict):
    """What went wrong, as the OpenAI API tells it."""

    error: OpenAIErrorView


class PictureView(TypedDict):
    """An image, by its address or as it is."""

    url: NotRequired[str]
    b64_json: NotRequired[str]


class PicturesView(TypedDict):
    """The images that were made; `errors` tells of those that were not, where some were."""

    created: int
    model: str
    output_format: OutputFormat
    size: str
    errors: NotRequired[list[OpenAIErrorView]]
    data: list[PictureView]


class ModelView(TypedDict):
    """A model that makes images."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsView(TypedDict):
    """The models that make images."""

    object: Literal["list"]
    data: list[ModelView]
