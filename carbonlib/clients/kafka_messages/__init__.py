"""A message of Kafka's protocol that kafka-python does not carry, in the form in which it carries the others.

The JSON files beside this one are the protocol's own definitions, shortened: https://kafka.apache.org/protocol
"""

from __future__ import annotations

from kafka.protocol.api_message import ApiMessage

__all__ = ["UnregisterBrokerRequest", "UnregisterBrokerResponse"]


class UnregisterBrokerRequest(ApiMessage, load_json=__name__):  # type: ignore[call-arg,misc,unused-ignore]
    """Have the cluster forget a broker."""


class UnregisterBrokerResponse(ApiMessage, load_json=__name__):  # type: ignore[call-arg,misc,unused-ignore]
    """Whether it has."""
