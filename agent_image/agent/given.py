"""What people gave along: pictures for the model, files to look into, quotations to read."""

from __future__ import annotations

import base64
import os
import re
import sys
from typing import Any, Dict, List

from agent_image.agent.gateway import Gateway, Refused
from agent_image.agent.output import escape_unsafe
from agent_image.agent.places import Places
from agent_image.agent.stop import Stop

Json = Dict[str, Any]

MAX_IMAGES = 6
MAX_IMAGE_BYTES = 3_750_000
"""Of all pictures of one turn, so that it fits the gateway's limit; the others are files."""


class GivenThings:
    """Lays files into a folder beside the workspace, under the same names in every container."""

    def __init__(
        self, gateway: Gateway, places: Places, stop: Stop, *, shows_images: bool = True
    ) -> None:
        """Where no images are shown they are files alone."""
        self._max_images = MAX_IMAGES if shows_images else 0
        self._gateway = gateway
        self._stop = stop
        self._places = places
        self._folder = ""
        self._paths: Dict[int, str] = {}
        self._images_left = self._max_images
        self._bytes_left = MAX_IMAGE_BYTES

    def next_turn(self) -> None:
        self._images_left, self._bytes_left = self._max_images, MAX_IMAGE_BYTES

    def lay(self, items: List[Json]) -> None:
        """Those that an earlier container held; raises Stopped."""
        for item in items:
            if item["kind"] != "text" and not item["missing"]:
                try:
                    self._lay(item)
                except (Refused, OSError) as error:
                    print("not handed out:", item["name"], error, file=sys.stderr)

    def blocks(self, items: List[Json]) -> List[Json]:
        """What the model is told and shown of them; raises Stopped."""
        rows, quoted, images = [], [], []
        for item in items:
            name = escape_unsafe(str(item["name"])).replace("\n", " ")
            if item["missing"]:
                rows.append("- {}: missing, {}".format(name, item["missing"]))
            elif item["kind"] == "text":
                quoted.append(_quotation(name, str(item["text"])))
            else:
                try:
                    path = self._lay(item)
                    is_shown = item["kind"] == "image" and self._fits(item)
                    if is_shown:
                        images.append(_image(item, path))
                    row = "- picture {}" if is_shown else "- file {} ({:,} bytes)"
                    rows.append(row.format(path, item["bytes"]))
                except Refused as refusal:
                    rows.append("- {}: missing, {}".format(name, refusal.brief))
                except OSError as error:
                    rows.append("- {}: missing, {}".format(name, error.strerror))
        parts = ["Given along:\n" + "\n".join(rows)] if rows else []
        texts = [{"type": "text", "text": text} for text in (*parts, *quoted)]
        return [*texts, *images]

    def _fits(self, item: Json) -> bool:
        size = int(item["bytes"])
        if self._images_left < 1 or size > self._bytes_left:
            return False
        self._images_left -= 1
        self._bytes_left -= size
        return True

    def _lay(self, item: Json) -> str:
        known = self._paths.get(item["id"])
        if known is not None and os.path.isfile(known):
            return known
        folder = self._open_folder()
        path = os.path.join(folder, _free_name(str(item["name"]), set(os.listdir(folder))))
        try:
            with open(path, "w+b") as file:
                place = "/given/{}".format(item["id"])
                self._gateway.ask("GET", place, stop=self._stop, into=file)
            os.chmod(path, 0o444)
        except Refused:
            os.unlink(path)
            raise
        finally:
            if os.path.isdir(folder):
                os.chmod(folder, 0o555)
        self._paths[item["id"]] = path
        return path

    def _open_folder(self) -> str:
        """Made when it is first needed; closed to writing in between."""
        if not os.path.isdir(self._folder):  # or a command has taken it away
            upper = os.environ.get("TMPDIR") or "/tmp"
            self._folder = os.path.join(upper, "given")
            try:
                os.mkdir(self._folder)
            except OSError:
                # Something of the image's own stands there.
                self._folder = os.path.join(self._places.scratch, "given")
                os.makedirs(self._folder, exist_ok=True)
        os.chmod(self._folder, 0o755)
        return self._folder


def _image(item: Json, path: str) -> Json:
    with open(path, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    return {"type": "image", "media_type": item["media_type"], "data": data}


def _free_name(name: str, taken: set[str]) -> str:
    """A plain name after what the person called it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name.rsplit("/", 1)[-1]).strip(".-")[-80:]
    stem, dot, ending = (plain or "file").partition(".")
    number, found = 1, plain or "file"
    while found in taken:
        number += 1
        found = "{}-{}{}{}".format(stem or "file", number, dot, ending)
    return found


def _quotation(name: str, text: str) -> str:
    """Marked from beginning to end; its own words cannot end it."""
    inner = text.replace("</quotation", "< /quotation")
    head = '<quotation of="{}">'.format(name.replace('"', "'"))
    return "{}\n{}\n</quotation>".format(head, inner)
