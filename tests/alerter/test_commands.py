"""What the command line asks: who would get this item, and why."""

from collections.abc import Iterable
from datetime import timedelta

from services.alerter.commands import pause, route_test
from tests.alerter import builders as b
from tests.alerter.virtual import MemoryLog
from tinsom.config import Config, DestinationConfig, MuteConfig, SubscriptionConfig
from tinsom.log import Output
from tinsom.messages import Match

CONFIG = Config(
    destinations=[DestinationConfig(alias=a, channel="terminal") for a in ("x", "y", "z")],
    subscriptions=[
        SubscriptionConfig(id="a", destination="x", match=Match(initiatives=["de-an-06"]), priority="urgent"),
        SubscriptionConfig(id="b", destination="y", match=Match(agencies=["bo-cong-an"])),
        SubscriptionConfig(id="c", destination="z", match=Match(places=["dong-thap"])),
        SubscriptionConfig(id="d", destination="z"),
    ],
    mutes=[MuteConfig(id="m", match=Match(initiatives=["de-an-06"]), until=b.NOW + timedelta(1), destination="z")],
)


def test_who_gets_it_and_why_not() -> None:
    assert route_test(CONFIG, b.item(), b.tags(), b.NOW) == [
        "+ a → x: initiative:de-an-06",
        "- b → y: not met: agency: bo-cong-an (primary)",
        "+ c → z: place:dong-thap",
        "- d → z: not met: asks for nothing",
        "x: urgent alert; Bạn theo dõi: Đề án 06 (sáng kiến)",
        "z: suppressed (muted)",
    ]


def test_a_mute_that_has_run_out_hides_nothing() -> None:
    assert route_test(CONFIG, b.item(), b.tags(), b.NOW + timedelta(2))[-1].startswith("z: normal alert")


async def test_pause_writes_one_record_and_resume_takes_it_away() -> None:
    written: list[Output] = []

    class Log(MemoryLog):
        async def append(self, outputs: Iterable[Output], *, writer: str) -> None:
            written.extend(outputs)

    await pause(Log().as_log(), True, 5)
    await pause(Log().as_log(), False, 6)
    assert [(o.key, o.value is None) for o in written] == [(b"pause/*", False), (b"pause/*", True)]
