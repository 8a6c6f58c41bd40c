"""Signs requests with botocore, as they were received.

Argument: a file of JSON lines {"id", "method", "url", "headers", "body", "date", "service", "region", "access_key",
"secret_key"}; the headers are those that the sender signed, the body is base64. Prints {"id", "signature"} for each.
"""

import base64
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signature(case):
    credentials = Credentials(case["access_key"], case["secret_key"])
    signer = SigV4Auth(credentials, case["service"], case["region"])
    body = base64.b64decode(case["body"])
    request = AWSRequest(method=case["method"], url=case["url"], data=body, headers=case["headers"])
    request.context["timestamp"] = case["date"]
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request)


def main(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            print(json.dumps({"id": case["id"], "signature": signature(case)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
