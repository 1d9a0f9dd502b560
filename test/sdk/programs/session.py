# Uses the client that is generated beside it. Tells what happens as lines of JSON, and waits for a line before it decides.
import json
import sys

from client import (
    ApiError,
    Client,
    DatasetApproveRequest,
    ImportDatasetInstanceComplete,
    ImportDatasetParams,
    StartImportDatasetRequest,
)

server_url, key = sys.argv[1:]


def tell(**line):
    print(json.dumps(line), flush=True)


client = Client(
    server_url, auth={"bearer": key}, idempotency_key=True, retry={"retries": 5, "retry_delay": 0.1}
)
place = ("acme", "cities")


def start(id, csv):
    params = ImportDatasetParams(csv=csv)
    return client.start_import_dataset(*place, StartImportDatasetRequest(params=params, id=id))


started = start("first", "name\nBerlin\nParis\n")
tell(started=started.id, status=started.status)

for event in client.stream_dataset_instance_events(*place, started.id):
    data = event.data
    tell(id=event.id, type=data["type"])
    if data["type"] == "instance.progress":
        tell(rowsRead=str(data["data"]["progress"]["rowsRead"]))
    elif data["type"] == "approval.requested":
        sys.stdin.readline()
        body = DatasetApproveRequest(reason="all there", metadata={"note": "seen"})
        tell(decided=client.approve_dataset_approval(*place, data["data"]["approval"]["id"], body).status)
    elif data["type"] == "instance.completed":
        tell(rows=data["data"]["output"]["rows"], note=data["data"]["output"]["note"])

ended = client.get_dataset_instance(*place, started.id)
if isinstance(ended, ImportDatasetInstanceComplete):
    tell(complete=ended.output.rows)

for id in ("second", "third"):
    start(id, "name\n")
tell(listed=[one.id for one in client.list_dataset_instances_items(*place, limit=1, order="oldest")])

try:
    client.get_dataset_instance(*place, "nobody")
except ApiError as failure:
    tell(status=failure.status, code=failure.body["code"], retryable=failure.body["retryable"])
