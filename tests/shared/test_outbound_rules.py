"""Where no URL of a caller may lead, sentence by sentence; nothing of it is called or even looked up."""

import pytest

from shared.outbound import Outbound, check_url, check_written
from shared.ports import is_for_web
from tests.shared.outside import PUBLIC, Names, refused

PRIVATE, NO_URL = "address is private", "not a valid http or https URL"
CREDENTIALS = "a user name or password in the URL"

RULES = {
    "an address is one however its numbers are written": (
        PRIVATE,
        [
            "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/",
            "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0/",
            "http://2852039166/", "http://0xa9fea9fe/", "http://169.254.43518/", "http://0251.0376.0251.0376/",
            "http://00000177.0.0.1/", "http://0X7F.1/", "http://127.0.0.1:80/", "http://4294967295/",
        ],
    ),
    "an address is one whatever script its digits are of": (
        PRIVATE,
        [
            "http://\uff11\uff12\uff17.0.0.1/", "http://①②⑦.0.0.1/", "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
            "http://\U0001d7cf\U0001d7d0\U0001d7d5.0.0.1/",
            "http://127。0。0。1/", "http://127\uff0e0\uff0e0\uff0e1/", "http://127｡0｡0｡1/",
            "http://127.0.0.1\u200b/",
        ],
    ),
    "a dot behind it, an upper case, a port change nothing": (
        PRIVATE,
        ["http://127.0.0.1./", "HTTP://127.0.0.1/", "http://127.0.0.1:443/", "https://127.0.0.1:8443/x?y#z",
         "http://[::FFFF:127.0.0.1]/", "http://[FE80::1]/", "http://169.254.169.254./latest/meta-data/"],
    ),
    "an address of IPv6 is looked into": (
        PRIVATE,
        ["http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:169.254.169.254]/",
         "http://[::ffff:a9fe:a9fe]/", "http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/",
         "http://[64:ff9b::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://[2001::1]/",
         "http://[fd00:ec2::254]/"],
    ),
    "a host is written out, without escapes and zones": (
        NO_URL,
        ["http://%31%32%37.0.0.1/", "http://127.0.0.%31/", "http://loc%61lhost/", "http://127%2e0.0.1/",
         "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1%251]/", "http://127.0.0.1%00/",
         "http://127.0.0.1%0d%0a/"],
    ),
    "what no two programs would read alike is no URL": (
        NO_URL,
        ["http:\\\\8.8.8.8/", "http://127.0.0.1\\@8.8.8.8/", "http://8.8.8.8\\.test/",
         "http://8.8.8.8 .test/",
         "http://8.8.8.8:80:80/", "http://[::1]8.8.8.8/", "http://127.0.0.1\t/", "http://127.0.0.1\n/",
         "http:8.8.8.8/", "http:///8.8.8.8/", "//8.8.8.8/", "http://1.2.3.4.5/", "http://127.0.0.256/"],
    ),
    "there are two schemes": (
        NO_URL,
        ["ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8:6379/_FLUSHALL", "dict://8.8.8.8:11211/",
         "ldap://8.8.8.8/", "jar:http://8.8.8.8!/", "unix:///run/docker.sock", "ws://8.8.8.8/",
         "javascript:alert(1)", "netdoc:///etc/passwd", "https+unix://x/"],
    ),
    "no URL carries a password": (
        CREDENTIALS,
        ["http://me:secret@8.8.8.8/", "http://me@8.8.8.8/", "http://@8.8.8.8/", "http://8.8.8.8@127.0.0.1/",
         "http://8.8.8.8:80@127.0.0.1:80/", "http://a@b@127.0.0.1/"],
    ),
}  # fmt: skip


def never(host: str) -> list[str]:
    """Fail: nothing needs to be looked up."""
    raise AssertionError(host)


@pytest.mark.parametrize("rule", RULES)
def test_by_its_text_alone(rule: str) -> None:
    reason, urls = RULES[rule]

    for url in urls:
        with refused(reason):
            check_written(url, allow_private=False)
        with refused(reason):
            Outbound(allow_private=False, resolve=never).get(url)


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"], ["169.254.169.254"], ["fd00:ec2::254"], ["100.100.100.200"], ["::ffff:10.0.0.1"],
        ["fe80::1%eth0"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC],
        ["64:ff9b::a00:1"], ["2002:a00:1::"], ["localhost"], [""], ["::"],
    ],
)  # fmt: skip
def test_a_name_that_leads_there_is_refused_at_submit_and_when_it_is_called(
    found: list[str],
) -> None:
    with refused(PRIVATE):
        check_url("https://metadata.google.internal/", allow_private=False, resolve=Names(found))
    with refused(PRIVATE):
        Outbound(allow_private=False, resolve=Names(found)).get("http://pictures.test/")


@pytest.mark.parametrize(
    "port",
    [1, 7, 21, 22, 23, 25, 53, 79, 88, 110, 111, 135, 139, 143, 161, 389, 445, 465, 514, 587, 636, 873,
     993, 1433, 2049, 2375, 2379, 3306, 3389, 5060, 5432, 5672, 5900, 6000, 6379, 6667, 9092, 9200,
     10080, 11211, 26379, 27017],
)  # fmt: skip
def test_a_port_at_which_no_web_server_listens_is_refused(port: int) -> None:
    reason = f"port {port} is not one of the web"

    with refused(reason):
        check_url(f"http://{PUBLIC}:{port}/", allow_private=False, resolve=never)
    with refused(reason):
        Outbound(allow_private=False, resolve=Names([PUBLIC])).get(f"https://a.test:{port}/")
    check_written(f"http://10.0.0.1:{port}/", allow_private=True)


@pytest.mark.parametrize(
    "port", [80, 443, 1024, 3000, 5000, 8000, 8080, 8443, 8888, 9000, 50_000, 65_535]
)
def test_any_other_port_is_a_web_servers(port: int) -> None:
    assert is_for_web(port)
    assert check_written(f"http://{PUBLIC}:{port}/", allow_private=False).port == port
