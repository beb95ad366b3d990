"""Files of records: put by the link that a record shows, listed where they are asked for.

Source: the vendor's integration guide (Put_Attachment, Get_Attachment); the schema FileLink.
"""

from __future__ import annotations

from urllib.parse import quote

from mapgen.sandbox.calls import Call, Reply
from mapgen.sandbox.errors import http_error, not_found
from mapgen.sandbox.query import read_view
from mapgen.sandbox.records import AttachedFile, Record
from mapgen.sandbox.tenant import Tenant, title

_LARGEST_FILE = 25_000 << 10
_LONGEST_COMMENT = 500
_LONGEST_NAME = 255


class AttachedFiles:
    """The files of a tenant's records."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        contract = tenant.contract
        self._root = f"/entity/{contract.endpoint}/{contract.version}/files"

    def answer(self, call: Call, parts: list[str]) -> Reply:
        """Answer a call below `/files`: `GRAPH/VIEW/RECORD/NAME` to put, an id to get one."""
        if call.method == "PUT" and len(parts) == 4:
            entity, _, record, name = parts
            found = self._tenant.store.by_id(entity, record)
            if found is None:
                raise not_found(call.path)
            return self.put(call, found, name)
        if call.method == "GET" and len(parts) == 1:
            file = self._tenant.store.file(parts[0])
            if file is not None:
                return Reply(200, file.content, content_type="application/octet-stream")
        raise not_found(call.path)

    def put(self, call: Call, record: Record, name: str) -> Reply:
        """Keep the bytes of a call as a file of a record. Raises Refused."""
        comment = call.headers.get("px-cbfilecomment", "")
        shown = self._called(record, name)
        if len(call.raw) > _LARGEST_FILE:
            raise http_error("The file exceeds the maximum allowed size (25000 KB).")
        if len(shown) > _LONGEST_NAME or len(comment) > _LONGEST_COMMENT:
            raise http_error("Error: String or binary data would be truncated.")
        made = self._tenant.store.attach(record, name, comment, call.raw)
        return Reply(204, headers={"Location": f"{self._root}/{made}"})

    def shown(self, call: Call, record: Record) -> dict[str, object]:
        """Return what a single record shows besides: its links, and its files if asked for."""
        own = f"{self._root}/{record.entity}/Document/{record.id}"
        found: dict[str, object] = {
            "_links": {
                "self": call.path,
                "files:put": f"{own}/{{filename}}",
            }
        }
        if "files" in read_view(call.query).parts:
            files = self._tenant.store.files(record.id)
            found["files"] = [self._listed(record, file) for file in files]
        return found

    def _listed(self, record: Record, file: AttachedFile) -> dict[str, object]:
        return {
            "id": file.id,
            "filename": self._called(record, file.name),
            "href": f"{self._root}/{quote(file.id)}",
            "comment": file.comment,
        }

    def _called(self, record: Record, name: str) -> str:
        """Return what the ERP calls a file: `Sales Orders (SO, SO000001)\\photo.jpg`."""
        entity = self._tenant.contract.entities[record.entity]
        keys = ", ".join(record.text(key) for key in entity.keys)
        return f"{title(record.entity)}s ({keys})\\{name}"
