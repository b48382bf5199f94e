"""The alerter's own word to people: a destination that takes nothing any more, told to its owner. Pure."""

from __future__ import annotations

from services.alerter import ledger
from tinsom.ids import id_of
from tinsom.messages import Alert, Destination, Notice

_WORDS = {
    "vi": (
        "Nơi nhận “{}” không nhận tin nữa",
        "Lý do: {}. Các tin đang chờ gửi tới đây đã dừng. Sửa nơi nhận rồi chạy `tinsom apply`.",
        "Bạn phụ trách nơi nhận này",
    ),
    "en": (
        "Destination “{}” takes nothing any more",
        "Reason: {}. What waited for it has ended. Mend the destination, then run `tinsom apply`.",
        "You look after this destination",
    ),
}


def suspended(to: Destination, now: float, language: str) -> Alert | None:
    """An urgent alert to the owner of `to`; None when it has no owner, or is its own."""
    if not to.owner or to.owner == to.alias:
        return None
    title, lede, reason = _WORDS[language]
    moment = ledger.when(now)
    return Alert(
        id=id_of("suspended", to.owner, to.alias, to.configured or to.address, moment.isoformat()),
        destination=to.owner, story=f"suspended-{to.alias}", revision=1, kind="notice", item="",
        subscriptions=[], reason=reason, priority="urgent", began_at=moment,
        notice=Notice(
            title=title.format(to.alias), url="", source="tinsom", fetched_at=moment, lede=lede.format(to.reason)
        ),
    )  # fmt: skip
