"""Reads chat completions with the official client and says what it understood.

Argument: a directory of files, each the body of one answer: streams, or whole if the name begins with `whole`. They are
served on the loopback, and the client asks for each as for a deployment of that name. Prints one JSON line for each file.
"""

import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai import AzureOpenAI


def handler_for(directory):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            name = self.path.split("/")[3]
            body = (directory / name).read_bytes()
            self.send_response(200)
            kind = "application/json" if name.startswith("whole") else "text/event-stream"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


MESSAGES = [{"role": "user", "content": "hi"}]


def read_stream(client, name):
    content, calls, finish, usage = "", {}, None, None
    for chunk in client.chat.completions.create(model=name, messages=MESSAGES, stream=True):
        assert chunk.object in ("chat.completion.chunk", ""), chunk.object
        usage = chunk.usage or usage
        for choice in chunk.choices:
            assert choice.index == 0, choice.index
            content += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                known = calls.setdefault(call.index, {"name": "", "arguments": "", "id": ""})
                known["id"] = call.id or known["id"]
                known["name"] += call.function.name or ""
                known["arguments"] += call.function.arguments or ""
    assert sorted(calls) == list(range(len(calls))), sorted(calls)
    calls = [calls[index] for index in sorted(calls)]
    assert all(call["id"] for call in calls), "a call without an id"
    return said(content, [(call["name"], call["arguments"]) for call in calls], finish, usage)


def read_whole(client, name):
    answer = client.chat.completions.create(model=name, messages=MESSAGES)
    assert answer.object == "chat.completion", answer.object
    (choice,) = answer.choices
    calls = choice.message.tool_calls or []
    assert all(call.id and call.type == "function" for call in calls), calls
    calls = [(call.function.name, call.function.arguments) for call in calls]
    return said(choice.message.content or "", calls, choice.finish_reason, answer.usage)


def said(content, calls, finish, usage):
    total = usage.total_tokens if usage else None
    return {"content": content, "calls": calls, "finish": finish, "total_tokens": total}


def main(directory):
    directory = pathlib.Path(directory)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = AzureOpenAI(
        azure_endpoint=f"http://127.0.0.1:{server.server_port}",
        api_key="none",
        api_version="2024-10-21",
        max_retries=0,
    )
    for path in sorted(directory.iterdir()):
        try:
            read = read_whole if path.name.startswith("whole") else read_stream
            result = read(client, path.name)
        except Exception as error:  # whatever the client raises is the finding
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"name": path.name, **result}))
    server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
