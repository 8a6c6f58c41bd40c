"""Programs as applications write them, with LangChain; prints what each one saw, one JSON line for each.

Arguments: the endpoint, and which programs: `all`, `retries` for those that have to outlast failures, or `streams` for those
that read a stream.
"""

import json
import sys

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings
from openai import APIStatusError
from pydantic import BaseModel

OURS = {"api_key": "the-key", "api_version": "2024-10-21", "timeout": 120}


class Ticket(BaseModel):
    """A ticket."""

    subject: str
    urgent: bool


@tool
def get_weather(city: str) -> str:
    """The weather in a city"""
    return "rain"


def asks(text):
    return [SystemMessage("You are terse."), HumanMessage(text)]


def chat_model(endpoint, **options):
    options = {**OURS, "azure_deployment": "support", "max_retries": 0, **options}
    return AzureChatOpenAI(azure_endpoint=endpoint, **options)


def chat(endpoint):
    return chat_model(endpoint).invoke(asks("Say hello.")).model_dump()


def stream(endpoint):
    chunks = list(chat_model(endpoint).stream(asks("Say hello.")))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert whole.text, whole
    return {"pieces": len(chunks) > 1, "whole": whole.model_dump()}


def stream_with_usage(endpoint):
    chunks = list(chat_model(endpoint, stream_usage=True).stream(asks("Say hello.")))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert whole.usage_metadata["output_tokens"] > 0, whole
    return whole.model_dump()


def tools(endpoint):
    model = chat_model(endpoint).bind_tools([get_weather])
    messages = asks("What is the weather in Oslo?")
    seen = []
    for _ in range(2):
        answer = model.invoke(messages)
        (call,) = answer.tool_calls
        assert call["name"] == "get_weather" and call["args"] == {"city": "Oslo"}, call
        messages += [answer, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])]
        final = model.invoke(messages)
        seen += [answer.model_dump(), final.model_dump()]
        assert final.text, final
        messages += [final, HumanMessage("And what is the weather now?")]
    return seen


def streamed_tool(endpoint):
    model = chat_model(endpoint).bind_tools([get_weather], tool_choice="get_weather")
    whole = None
    for chunk in model.stream(asks("What is the weather in Oslo?")):
        whole = chunk if whole is None else whole + chunk
    assert whole.tool_calls[0]["args"] == {"city": "Oslo"}, whole
    return whole.model_dump()


def schema(endpoint):
    model = chat_model(endpoint).with_structured_output(Ticket, method="json_schema", include_raw=True)
    answer = model.invoke(asks("File a ticket."))
    assert isinstance(answer["parsed"], Ticket), answer
    return {"parsed": answer["parsed"].model_dump(), "raw": answer["raw"].model_dump(exclude={"additional_kwargs"})}


def schema_by_function(endpoint):
    model = chat_model(endpoint).with_structured_output(Ticket, method="function_calling")
    answer = model.invoke(asks("File a ticket."))
    assert isinstance(answer, Ticket), answer
    return answer.model_dump()


def embeddings(endpoint):
    # Strings go out as strings: the default sends tokens of an encoding that has to be downloaded first.
    model = AzureOpenAIEmbeddings(
        azure_endpoint=endpoint, azure_deployment="embed", max_retries=0, check_embedding_ctx_length=False, **OURS
    )
    vectors = model.embed_documents(["one", "two"])
    assert len(vectors) == 2 and vectors[0] != vectors[1], vectors
    return {"lengths": [len(vector) for vector in vectors]}


def unknown_deployment(endpoint):
    return chat_model(endpoint, azure_deployment="nobody").invoke(asks("Say hello.")).model_dump()


def wrong_key(endpoint):
    return chat_model(endpoint, api_key="not-the-key").invoke(asks("Say hello.")).model_dump()


def retries(endpoint):
    model = chat_model(endpoint, max_retries=8)
    return [model.invoke(asks("Say hello.")).text for _ in range(4)]


PROGRAMS = [
    chat,
    stream,
    stream_with_usage,
    tools,
    streamed_tool,
    schema,
    schema_by_function,
    embeddings,
    unknown_deployment,
    wrong_key,
]


def run(program, endpoint):
    try:
        return {"got": program(endpoint)}
    except APIStatusError as error:
        return {"raised": type(error).__name__, "status": error.status_code, "body": error.body}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def main(endpoint, which="all", _deployment=None):
    sets = {"all": PROGRAMS, "retries": [retries], "streams": [stream, stream_with_usage, streamed_tool]}
    for program in sets[which]:
        print(json.dumps({"client": "langchain", "program": program.__name__, **run(program, endpoint)}, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
