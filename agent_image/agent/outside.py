"""What commands need to reach the outside through the host's proxy, where the phase may."""

from __future__ import annotations

import os
from typing import Dict

from agent_image.agent.egress import Forwarder
from agent_image.agent.gateway import Gateway

AUTHORITIES = "/opt/threadsmith/authorities.crt"
"""The host's certificate authorities: what it trusts, a company's own included."""
_VARIABLES = (
    *("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE"),
    *("PIP_CERT", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE"),
)


def open_egress(gateway: Gateway) -> Dict[str, str]:
    """Start forwarding; answers the variables by which programs find the way."""
    socket_path = os.path.join(os.path.dirname(gateway.path), "egress.sock")
    forwarder = Forwarder(socket_path, gateway.token)
    variables = forwarder.environment(forwarder.start())
    if os.path.exists(AUTHORITIES):
        variables.update(dict.fromkeys(_VARIABLES, AUTHORITIES))
    return variables
