"""What the forge tells those who asked to hear: signed posts, as GitHub sends them."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

DELIVERY_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Webhooks:
    """Addresses with their secrets, and what each delivery was answered."""

    targets: list[tuple[str, str]] = field(default_factory=list)
    deliveries: list[tuple[str, int]] = field(default_factory=list)

    async def send(self, event: str, payload: dict[str, Any]) -> None:
        data = json.dumps(payload).encode()
        timeout = aiohttp.ClientTimeout(total=DELIVERY_SECONDS)
        for url, secret in self.targets:
            digest = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "GitHub-Hookshot/loopback",
                "X-GitHub-Event": event,
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": f"sha256={digest}",
            }
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=data, headers=headers) as answer,
            ):
                self.deliveries.append((event, answer.status))
