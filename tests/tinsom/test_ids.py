from __future__ import annotations

from tinsom.ids import id_of


def test_an_id_is_what_it_was_when_the_records_on_the_log_were_written() -> None:
    assert id_of("phong-tin", "8830c0d91cf8d0285fe016c5", "new", "1") == "a5f92f77587e40d8dae1b27fb3430ce8"
    assert id_of("ab", "c") != id_of("a", "bc")
