"""Programs of the Responses API as applications write them, with LangChain; prints what each one saw, one JSON line for each.

Arguments: the endpoint; which programs: `all`; and the deployment.
"""

import json
import sys

from langchain import Ticket, asks, get_weather, run
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import AzureChatOpenAI

DEPLOYMENT = sys.argv[3] if len(sys.argv) > 3 else "support"


def chat_model(endpoint, key="the-key"):
    return AzureChatOpenAI(
        azure_endpoint=endpoint,
        azure_deployment=DEPLOYMENT,
        api_key=key,
        api_version="2025-04-01-preview",
        use_responses_api=True,
        store=False,
        max_retries=0,
        timeout=120,
    )


def whole(endpoint):
    answer = chat_model(endpoint).invoke(asks("Say hello."))
    assert answer.text, answer
    return answer.model_dump()


def stream(endpoint):
    chunks = list(chat_model(endpoint).stream(asks("Say hello.")))
    answer = chunks[0]
    for chunk in chunks[1:]:
        answer = answer + chunk
    assert answer.text, answer
    return answer.model_dump()


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
        assert "rain" in final.text, final
        seen += [answer.model_dump(), final.model_dump()]
        messages += [final, HumanMessage("And what is the weather now?")]
    return seen


def schema(endpoint):
    model = chat_model(endpoint).with_structured_output(Ticket, method="json_schema")
    answer = model.invoke(asks("File a ticket."))
    assert isinstance(answer, Ticket), answer
    return answer.model_dump()


def wrong_key(endpoint):
    return chat_model(endpoint, key="not-the-key").invoke(asks("Say hello.")).model_dump()


def main(endpoint, _which="all", _deployment=None):
    for program in [whole, stream, tools, schema, wrong_key]:
        print(json.dumps({"client": "langchain", "program": program.__name__, **run(program, endpoint)}, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
