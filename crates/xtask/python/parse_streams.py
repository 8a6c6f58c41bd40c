"""Reads server-sent chat completion streams with the official client and says what it understood.

Argument: a directory of files, each the body of one stream. They are served on the loopback, and the client asks for
each as for a deployment of that name. Prints one JSON line for each file.
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
            body = (directory / self.path.split("/")[3]).read_bytes()
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def understood(client, name):
    content, calls, finish, usage, chunks = "", {}, None, None, 0
    stream = client.chat.completions.create(
        model=name, messages=[{"role": "user", "content": "hi"}], stream=True
    )
    for chunk in stream:
        chunks += 1
        assert chunk.object in ("chat.completion.chunk", ""), chunk.object
        usage = chunk.usage or usage
        for choice in chunk.choices:
            assert choice.index == 0
            content += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                known = calls.setdefault(call.index, {"name": "", "arguments": "", "id": ""})
                known["id"] = call.id or known["id"]
                known["name"] += call.function.name or ""
                known["arguments"] += call.function.arguments or ""
    return {
        "content": content,
        "calls": [[call["name"], call["arguments"]] for _, call in sorted(calls.items())],
        "ids": all(call["id"] for call in calls.values()),
        "finish": finish,
        "total_tokens": usage.total_tokens if usage else None,
        "chunks": chunks,
    }


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
            result = understood(client, path.name)
        except Exception as error:  # whatever the client raises is the finding
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"name": path.name, **result}))
    server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
