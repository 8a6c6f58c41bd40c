"""Signs requests with botocore: one JSON line in (service, host, path, body, token), one out (date, signature).

The path is the one on the wire. What signs is the library's own code, at the library's own time.
"""

import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

for line in sys.stdin:
    case = json.loads(line)
    request = AWSRequest(
        method="POST",
        url=f"https://{case['host']}{case['path']}",
        data=case["body"],
        headers={"content-type": "application/json"},
    )
    keys = Credentials("AKIDEXAMPLE", SECRET, case["token"])
    SigV4Auth(keys, case["service"], "us-east-1").add_auth(request)
    date = request.headers["X-Amz-Date"]
    signature = request.headers["Authorization"].rsplit("Signature=", 1)[1]
    print(json.dumps({"date": date, "signature": signature}))
