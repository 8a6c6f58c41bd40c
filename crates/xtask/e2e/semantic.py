"""Programs as applications write them, with Semantic Kernel; prints what each one saw, one JSON line for each.

Arguments: the endpoint, and which programs: `all`, `retries` for those that have to outlast failures, or `streams` for those
that read a stream.
"""

import asyncio
import json
import sys

from openai import AsyncAzureOpenAI
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    AzureChatCompletion,
    AzureChatPromptExecutionSettings,
    AzureTextEmbedding,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function


class Ticket(BaseModel):
    """A ticket."""

    subject: str
    urgent: bool


class Weather:
    """What the model may ask."""

    @kernel_function(name="get_weather", description="The weather in a city")
    def get_weather(self, city: str) -> str:
        """Rain."""
        return "rain"


def client(endpoint, key="the-key", retries=0):
    return AsyncAzureOpenAI(
        azure_endpoint=endpoint, api_key=key, api_version="2024-10-21", max_retries=retries, timeout=120
    )


def service(endpoint, deployment="support", **options):
    return AzureChatCompletion(deployment_name=deployment, async_client=client(endpoint, **options))


def asks(text):
    history = ChatHistory(system_message="You are terse.")
    history.add_user_message(text)
    return history


def seen(message):
    usage = message.metadata.get("usage")
    return {
        "text": str(message),
        "role": message.role.value,
        "finish": message.finish_reason.value if message.finish_reason else None,
        "model": message.ai_model_id,
        "fingerprint": message.metadata.get("system_fingerprint"),
        "id": message.metadata.get("id"),
        "usage": usage.model_dump() if usage else None,
        "items": [type(item).__name__ for item in message.items],
    }


async def chat(endpoint):
    settings = AzureChatPromptExecutionSettings()
    message = await service(endpoint).get_chat_message_content(asks("Say hello."), settings)
    assert str(message), message
    return seen(message)


async def stream(endpoint):
    settings = AzureChatPromptExecutionSettings()
    chunks = [
        chunk
        async for chunk in service(endpoint).get_streaming_chat_message_content(asks("Say hello."), settings)
        if chunk
    ]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert str(whole), whole
    return seen(whole)


async def tools(endpoint):
    kernel = Kernel()
    kernel.add_plugin(Weather(), "outside")
    history = asks("What is the weather in Oslo?")
    settings = AzureChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    said = []
    for _ in range(2):
        message = await service(endpoint).get_chat_message_content(history, settings, kernel=kernel)
        assert "rain" in str(message), message
        said.append(seen(message))
        history.add_message(message)
        history.add_user_message("And what is the weather now?")
    return {"said": said, "roles": [message.role.value for message in history]}


async def schema(endpoint):
    settings = AzureChatPromptExecutionSettings(response_format=Ticket)
    message = await service(endpoint).get_chat_message_content(asks("File a ticket."), settings)
    return {"parsed": Ticket.model_validate_json(str(message)).model_dump(), **seen(message)}


async def embeddings(endpoint):
    model = AzureTextEmbedding(deployment_name="embed", async_client=client(endpoint))
    vectors = await model.generate_embeddings(["one", "two"])
    assert len(vectors) == 2, vectors
    return {"lengths": [len(vector) for vector in vectors]}


async def unknown_deployment(endpoint):
    settings = AzureChatPromptExecutionSettings()
    return seen(await service(endpoint, "nobody").get_chat_message_content(asks("Say hello."), settings))


async def wrong_key(endpoint):
    settings = AzureChatPromptExecutionSettings()
    model = service(endpoint, key="not-the-key")
    return seen(await model.get_chat_message_content(asks("Say hello."), settings))


async def retries(endpoint):
    settings = AzureChatPromptExecutionSettings()
    model = service(endpoint, retries=8)
    return [str(await model.get_chat_message_content(asks("Say hello."), settings)) for _ in range(4)]


PROGRAMS = [chat, stream, tools, schema, embeddings, unknown_deployment, wrong_key]


async def run(program, endpoint):
    try:
        return {"got": await program(endpoint)}
    except Exception as error:
        cause = error.__cause__
        if getattr(cause, "status_code", None) is None:
            return {"failed": f"{type(error).__name__}: {error}"}
        raised = f"{type(error).__name__} for {type(cause).__name__}"
        return {"raised": raised, "status": cause.status_code, "body": cause.body}


async def main(endpoint, which="all", _deployment=None):
    sets = {"all": PROGRAMS, "retries": [retries], "streams": [stream]}
    for program in sets[which]:
        result = await run(program, endpoint)
        print(json.dumps({"client": "semantic kernel", "program": program.__name__, **result}, default=str))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
