"""The suite on a store under construction: a test is run where the facets are that it says it needs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.conftest import EVERY, Kind, having
from tests.store.given import NOW, new
from tests.store.test_repeats import facets

PLAIN = frozenset({"jobs", "read", "workers"})


def test_the_suite_knows_every_facet_that_a_store_has() -> None:
    assert set(facets()) == EVERY


def test_a_store_is_tried_by_the_tests_whose_facets_it_has() -> None:
    kinds = {"whole": Kind(lambda *_: None), "plain": Kind(lambda *_: None, PLAIN)}

    assert having(PLAIN, kinds) == having(frozenset({"jobs"}), kinds) == ["whole", "plain"]
    assert having(PLAIN | {"mail"}, kinds) == having(EVERY, kinds) == ["whole"]


@pytest.mark.facets("jobs", "read")
def test_a_test_gets_no_facet_that_it_does_not_name(store: Any) -> None:
    store.jobs.add([new()], NOW)

    assert list(store.read.get(["job"])) == ["job"]
    with pytest.raises(AssertionError, match=r"uses 'mail' of the store: add it to pytest.mark.facets"):
        store.mail.orders()
