# One image for the API, the worker, Flower and the sandbox; docker-compose.yml says which one runs.
FROM python:3.11-slim-bookworm

WORKDIR /app

# Before the source, so that a change of the source installs nothing again.
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY . .
# The id is fixed, since a volume outlives the image; a new volume takes over the folder's owner.
# A checkout may be readable by its owner only.
RUN useradd --uid 10001 --no-create-home app \
    && install -d -o app -g app saved_images \
    && chmod -R a+rX .
USER app
CMD ["python", "-m", "api"]
