"""No queue: the request itself calls the provider, as this project once began."""

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.route import create_app

app = create_app(make_picture)
