"""Validates Converse bodies with botocore's own validator against the published service model.

Arguments: the service model, a file of JSON lines {"id", "model", "body"}. Prints a JSON line {"id", "error"} for each
body that the validator refuses, and at the end the number of bodies that were read.
"""

import json
import sys

from botocore.model import ServiceModel
from botocore.validate import ParamValidator


def main(model_path, bodies_path):
    with open(model_path, encoding="utf-8") as file:
        shape = ServiceModel(json.load(file), "bedrock-runtime").shape_for("ConverseRequest")
    validator = ParamValidator()
    count = 0
    with open(bodies_path, encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            count += 1
            report = validator.validate({"modelId": case["model"], **case["body"]}, shape)
            if report.has_errors():
                print(json.dumps({"id": case["id"], "error": report.generate_report()}))
    print(json.dumps({"read": count}))


if __name__ == "__main__":
    main(*sys.argv[1:])
