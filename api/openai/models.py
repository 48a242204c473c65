"""The models that make images, as the OpenAI API lists them."""

from api.openai.shapes import ModelsView, ModelView
from shared.errors import NotFound
from shared.operations import offered


def models() -> ModelsView:
    """Return every model, the default first."""
    return ModelsView(object="list", data=[_model(name) for name in offered("generate")])


def model(name: str) -> ModelView:
    """Return a model by its name; raise NotFound."""
    if name not in offered("generate"):
        raise NotFound(
            f"There is no model of this name; there are {', '.join(offered('generate'))}"
        )
    return _model(name)


def _model(name: str) -> ModelView:
    # when a model was made is not known here, and that API has no word for it
    return ModelView(id=name, object="model", created=0, owned_by="stability-ai")
