"""Programs of the Responses API as applications write them, with the official client; prints what each one got, one JSON
line for each.

Arguments: the endpoint; which programs: `all`, or `prime` for one request of each credential; and the deployment. What the
provider is to keep is asked for by one program alone: all others say that nothing is kept.
"""

import json
import sys

from openai import AzureOpenAI, OpenAI
from programs import DEPLOYMENT, Ticket, run

FUNCTION = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
TERSE = "You are terse."


def asked(**more):
    return {"model": DEPLOYMENT, "instructions": TERSE, "store": False, **more}


def whole(client):
    answer = client.responses.create(**asked(input="Say hello."))
    assert answer.object == "response" and answer.status == "completed", answer
    assert answer.output_text, answer
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    return answer.model_dump()


def parameters(client):
    answer = client.responses.create(
        **asked(input="Say hello.", max_output_tokens=200, temperature=0.2, metadata={"team": "a"}, user="ada")
    )
    assert answer.output_text and answer.metadata == {"team": "a"}, answer
    return answer.model_dump()


def conversation(client):
    said = [
        {"role": "user", "content": "I am Ada."},
        {"role": "assistant", "content": "Hello, Ada."},
        {"role": "user", "content": [{"type": "input_text", "text": "Who am I?"}]},
    ]
    answer = client.responses.create(**asked(input=said))
    assert answer.output_text, answer
    return answer.model_dump()


def streamed(client):
    events = list(client.responses.create(**asked(input="Say hello.", stream=True)))
    assert [event.sequence_number for event in events] == list(range(len(events))), events
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].type == "response.completed" and events[-1].response.output_text == text, events
    return [event.model_dump() for event in events]


def stream_helper(client):
    with client.responses.stream(**asked(input="Say hello.")) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text, final
    return [kinds, final.model_dump()]


def tools(client):
    said = [{"role": "user", "content": "What is the weather in Oslo?"}]
    seen = []
    for _ in range(2):
        answer = client.responses.create(**asked(input=said, tools=[FUNCTION]))
        (call,) = [item for item in answer.output if item.type == "function_call"]
        assert call.name == "get_weather" and json.loads(call.arguments) == {"city": "Oslo"}, call
        said += answer.output
        said.append({"type": "function_call_output", "call_id": call.call_id, "output": "rain"})
        final = client.responses.create(**asked(input=said, tools=[FUNCTION]))
        assert "rain" in final.output_text, final
        said += final.output
        said.append({"role": "user", "content": "And what is the weather now?"})
        seen += [answer.model_dump(), final.model_dump()]
    return seen


def streamed_tool(client):
    choice = {"type": "function", "name": "get_weather"}
    request = asked(input="What is the weather in Oslo?", tools=[FUNCTION], tool_choice=choice, stream=True)
    events = list(client.responses.create(**request))
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(pieces)) == {"city": "Oslo"}, pieces
    return [event.model_dump() for event in events]


def schema(client):
    answer = client.responses.parse(**asked(input="File a ticket."), text_format=Ticket)
    assert isinstance(answer.output_parsed, Ticket), answer
    return answer.model_dump(mode="json")


def json_object(client):
    answer = client.responses.create(
        **asked(input="File a ticket, as JSON.", text={"format": {"type": "json_object"}})
    )
    Ticket.model_validate_json(answer.output_text)
    return answer.model_dump()


def kept(client):
    """What is kept is the primary's, whoever answers the rest."""
    first = client.responses.create(model=DEPLOYMENT, input="Say hello.")
    again = client.responses.create(model=DEPLOYMENT, input="And again.", previous_response_id=first.id)
    found = client.responses.retrieve(first.id)
    assert found.id == first.id and again.previous_response_id == first.id, again
    return [first.model_dump(), again.model_dump(), found.model_dump()]


def unknown_deployment(client):
    return client.responses.create(model="nobody", input="Say hello.", store=False).model_dump()


def wrong_key(client):
    client = client.with_options(api_key="not-the-key")
    return client.responses.create(**asked(input="Say hello.")).model_dump()


def bad_parameter(client):
    return client.responses.create(**asked(input="Say hello."), extra_body={"no_such_argument": 1}).model_dump()


PROGRAMS = [
    whole,
    parameters,
    conversation,
    streamed,
    stream_helper,
    tools,
    streamed_tool,
    schema,
    json_object,
    kept,
    unknown_deployment,
    wrong_key,
    bad_parameter,
]


def main(endpoint, which="all", _deployment=None):
    clients = {
        "dated": AzureOpenAI(
            azure_endpoint=endpoint, api_key="the-key", api_version="2025-04-01-preview", max_retries=0, timeout=120
        ),
        "v1": OpenAI(base_url=f"{endpoint}/openai/v1/", api_key="the-key", max_retries=0, timeout=120),
    }
    for name, client in clients.items():
        for program in PROGRAMS if which == "all" else [whole]:
            print(json.dumps({"client": name, "program": program.__name__, **run(program, client)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
