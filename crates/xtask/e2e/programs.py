"""Programs as applications write them, with the official client; prints what each one got, one JSON line for each.

Arguments: the endpoint; which programs: `primary` for all, `candidate` for those that a candidate may answer too, with the
credential primed first, `prime` for no more than that, or `streams` for those that read a stream; and the deployment. A program checks by itself that what it got is well-formed; what it raises is its result.
"""

import json
import sys

from openai import APIConnectionError, APIStatusError, AzureOpenAI, OpenAI
from pydantic import BaseModel

DEPLOYMENT = sys.argv[3] if len(sys.argv) > 3 else "support"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
]


class Ticket(BaseModel):
    """What JSON schema output is parsed into."""

    subject: str
    urgent: bool


def asks(text, *earlier):
    return [{"role": "system", "content": "You are terse."}, *earlier, {"role": "user", "content": text}]


def whole(client):
    answer = client.chat.completions.create(model=DEPLOYMENT, messages=asks("Say hello."))
    assert answer.object == "chat.completion", answer.object
    assert answer.id.startswith("chatcmpl-"), answer.id
    (choice,) = answer.choices
    assert choice.finish_reason == "stop" and choice.message.content, choice
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    return answer.model_dump()


def parameters(client):
    answer = client.chat.completions.create(
        model=DEPLOYMENT, messages=asks("Say hello."), temperature=0.2, max_tokens=200, stop=["END"]
    )
    assert answer.choices[0].message.content, answer
    return answer.model_dump()


def streamed(client):
    chunks = list(client.chat.completions.create(model=DEPLOYMENT, messages=asks("Say hello."), stream=True))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert text and finishes == ["stop"], (text, finishes)
    return [chunk.model_dump() for chunk in chunks]


def streamed_with_usage(client):
    chunks = list(
        client.chat.completions.create(
            model=DEPLOYMENT, messages=asks("Say hello."), stream=True, stream_options={"include_usage": True}
        )
    )
    usage = [chunk.usage for chunk in chunks if chunk.usage]
    assert len(usage) == 1 and usage[0].completion_tokens > 0, usage
    assert not chunks[-1].choices, "usage comes last, by itself"
    return [chunk.model_dump() for chunk in chunks]


def conversation(client):
    earlier = [{"role": "user", "content": "I am Ada."}, {"role": "assistant", "content": "Hello, Ada."}]
    answer = client.chat.completions.create(model=DEPLOYMENT, messages=asks("Who am I?", *earlier))
    assert answer.choices[0].message.content, answer
    return answer.model_dump()


def tool(client):
    messages = asks("What is the weather in Oslo?")
    answer = client.chat.completions.create(model=DEPLOYMENT, messages=messages, tools=TOOLS)
    (choice,) = answer.choices
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls", choice
    assert call.id and call.function.name == "get_weather", call
    assert json.loads(call.function.arguments) == {"city": "Oslo"}, call
    messages.append(choice.message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "rain"})
    final = client.chat.completions.create(model=DEPLOYMENT, messages=messages, tools=TOOLS)
    assert final.choices[0].finish_reason == "stop" and final.choices[0].message.content, final
    return [answer.model_dump(), final.model_dump()]


def forced_tool(client):
    answer = client.chat.completions.create(
        model=DEPLOYMENT,
        messages=asks("What is the weather in Oslo?"),
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather", answer
    return answer.model_dump()


def streamed_tool(client):
    chunks = list(
        client.chat.completions.create(
            model=DEPLOYMENT, messages=asks("What is the weather in Oslo?"), tools=TOOLS, stream=True
        )
    )
    deltas = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert deltas[0].id and deltas[0].function.name == "get_weather", deltas[0]
    arguments = "".join(delta.function.arguments or "" for delta in deltas)
    assert json.loads(arguments) == {"city": "Oslo"}, arguments
    return [chunk.model_dump() for chunk in chunks]


def stream_helper(client):
    with client.chat.completions.stream(model=DEPLOYMENT, messages=asks("Say hello.")) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert final.choices[0].message.content, final
    return [kinds, final.model_dump()]


def schema(client):
    answer = client.chat.completions.parse(
        model=DEPLOYMENT, messages=asks("File a ticket."), response_format=Ticket
    )
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Ticket), answer
    return answer.model_dump(mode="json")


def json_object(client):
    answer = client.chat.completions.create(
        model=DEPLOYMENT, messages=asks("File a ticket, as JSON."), response_format={"type": "json_object"}
    )
    Ticket.model_validate_json(answer.choices[0].message.content)
    return answer.model_dump()


def unknown_deployment(client):
    return client.chat.completions.create(model="nobody", messages=asks("Say hello.")).model_dump()


def wrong_key(client):
    client = client.with_options(api_key="not-the-key")
    return client.chat.completions.create(model=DEPLOYMENT, messages=asks("Say hello.")).model_dump()


def filtered(client):
    return client.chat.completions.create(model=DEPLOYMENT, messages=asks("Say what is blocked.")).model_dump()


def bad_parameter(client):
    body = {"no_such_argument": 1}
    answer = client.chat.completions.create(model=DEPLOYMENT, messages=asks("Say hello."), extra_body=body)
    return answer.model_dump()


def models(client):
    return [model.model_dump() for model in client.models.list()]


def embeddings(client):
    answer = client.embeddings.create(model="embed", input=["one", "two"])
    assert len(answer.data) == 2, answer
    return answer.model_dump()


ANSWERED = [
    whole,
    parameters,
    streamed,
    streamed_with_usage,
    conversation,
    tool,
    forced_tool,
    streamed_tool,
    stream_helper,
    schema,
    json_object,
]
STREAMS = [streamed, streamed_with_usage, streamed_tool, stream_helper]
REFUSED = [unknown_deployment, wrong_key, bad_parameter]
OTHERS = [models, embeddings]
PRIMARY_ONLY = [filtered]


def run(program, client):
    try:
        return {"got": program(client)}
    except APIStatusError as error:
        headers = {name: error.response.headers.get(name) for name in ("retry-after", "content-type")}
        return {
            "raised": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "body": error.body,
            "headers": headers,
        }
    except APIConnectionError as error:
        return {"raised": type(error).__name__, "cause": type(error.__cause__).__name__}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def main(endpoint, mode="primary", _deployment=None):
    clients = {
        "dated": AzureOpenAI(
            azure_endpoint=endpoint, api_key="the-key", api_version="2024-10-21", max_retries=0, timeout=120
        ),
        "v1": OpenAI(base_url=f"{endpoint}/openai/v1/", api_key="the-key", max_retries=0, timeout=120),
    }
    programs = ANSWERED + REFUSED + OTHERS
    if mode == "primary":
        programs = programs + PRIMARY_ONLY
    elif mode == "streams":
        programs = STREAMS
    else:
        for client in clients.values():
            client.chat.completions.create(model=DEPLOYMENT, messages=asks("Say hello."))
    if mode == "prime":
        return
    for name, client in clients.items():
        for program in programs:
            print(json.dumps({"client": name, "program": program.__name__, **run(program, client)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
