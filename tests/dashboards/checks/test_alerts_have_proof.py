"""alerts_have_proof: what fires is what is silent, a series that is missing, one that no target has, values that are none."""

from dataclasses import replace

import pytest
from example_content import FATAL, QUEUE, TARGET, content, found

from dashboards.model import LogProof, Proof

NAME = f"shop_queue{{{TARGET}}}"


@pytest.mark.parametrize(("alert", "says"), [
    (replace(QUEUE, proof=Proof({NAME: "50"}, {NAME: "50"})), "what fires is what stays silent"),
    (replace(QUEUE, expr="shop_queue / shop_limit > $queue"), "gives no series shop_limit"),
    (replace(QUEUE, expr="shop_queue > $queue and region:shop_requests:rate5m > 0"), "gives no series shop_requests_total"),
    (replace(QUEUE, proof=Proof({'shop_queue{job="shop"}': "50"}, {NAME: "1"})), "lacks the label instance, region"),
    (replace(QUEUE, proof=Proof({"shop_queue{": "50"}, {NAME: "1"})), "is not a series"),
    (replace(QUEUE, proof=Proof({NAME: "50x3"}, {NAME: "1"})), "is not one value"),
    (replace(FATAL, proof=LogProof({"service_name": "shop"}, ("x",), ("x",))), "the same lines fire and stay silent"),
    (replace(FATAL, proof=LogProof({}, ("x",), ("y",))), "needs the labels of the stream"),
])
def test_refused(alert, says):
    assert [text for text in found("alerts_have_proof", content(alerts=(alert,))) if says in text]


def test_one_side_of_an_or_is_enough():
    assert not found("alerts_have_proof", content(alerts=(replace(QUEUE, expr="(shop_queue or shop_other) > $queue"),)))
    assert found("alerts_have_proof", content(alerts=(replace(QUEUE, expr="(shop_this or shop_other) > $queue"),)))
