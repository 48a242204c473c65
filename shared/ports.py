"""Which ports may be called for a stranger: those of web servers, and none that others listen at.

Many servers read a request of HTTP as lines of their own protocol, and do what some of them say.
"""

_WEB = frozenset({80, 443})
# The ports above 1023 that browsers refuse (WHATWG Fetch, "bad port").
_BROWSERS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
     6679, 6697, 10080}
)  # fmt: skip
# Databases, queues, caches, and those who rule machines.
_STORES = frozenset(
    {1433, 1521, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 5901, 6379, 6380, 9042,
     9092, 9200, 9300, 11211, 26379, 27017}
)  # fmt: skip


def is_for_web(port: int) -> bool:
    """Tell whether a web server may be expected at a port."""
    if port < 1_024:
        return port in _WEB
    return port not in _BROWSERS and port not in _STORES
