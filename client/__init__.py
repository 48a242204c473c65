"""A client of the Stability AI Image API; it needs `requests` and nothing else of this project.

from client import Client

with Client() as client:
    job = client.wait(client.generate("A red fox in the snow"))
    client.save(job, "fox.webp")
"""

from client.client import Client
from client.errors import (
    BudgetExceeded,
    ClientError,
    Closed,
    Conflict,
    Forbidden,
    Gone,
    IdempotencyKeyReused,
    InvalidRequest,
    JobFailed,
    LimitReached,
    NotFound,
    Refused,
    ServiceFault,
    Unauthorized,
    Unavailable,
    Unreachable,
    WaitTimeout,
)
from client.models import Batch, BatchJob, Image, Job, Page, Price

__all__ = [
    "Batch",
    "BatchJob",
    "BudgetExceeded",
    "Client",
    "ClientError",
    "Closed",
    "Conflict",
    "Forbidden",
    "Gone",
    "IdempotencyKeyReused",
    "Image",
    "InvalidRequest",
    "Job",
    "JobFailed",
    "LimitReached",
    "NotFound",
    "Page",
    "Price",
    "Refused",
    "ServiceFault",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "WaitTimeout",
]
