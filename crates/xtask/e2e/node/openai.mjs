// Programs as applications write them, with the official client for Node.
//
// Arguments: the endpoint; which programs: `all`, or `retries` for those that have to outlast failures; the deployment.

import { AzureOpenAI } from "openai";

import { expect, report } from "./programs.mjs";

const [endpoint, which = "all", model = "support"] = process.argv.slice(2);
const options = { endpoint, apiKey: "the-key", apiVersion: "2024-10-21", maxRetries: 0, timeout: 120000 };
const client = new AzureOpenAI(options);
const asks = (text) => [
  { role: "system", content: "You are terse." },
  { role: "user", content: text },
];
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "get_weather", description: "The weather in a city", parameters } }];
const ticket = {
  type: "object",
  properties: { subject: { type: "string" }, urgent: { type: "boolean" } },
  required: ["subject", "urgent"],
  additionalProperties: false,
};

async function chat() {
  const answer = await client.chat.completions.create({ model, messages: asks("Say hello.") });
  expect(answer.choices[0].finish_reason === "stop" && answer.choices[0].message.content, answer);
  return answer;
}

async function stream() {
  const chunks = [];
  const options = { include_usage: true };
  const request = { model, messages: asks("Say hello."), stream: true, stream_options: options };
  for await (const chunk of await client.chat.completions.create(request)) {
    chunks.push(chunk);
  }
  expect(chunks.at(-1).usage.completion_tokens > 0, chunks);
  return chunks;
}

async function streamHelper() {
  const runner = client.chat.completions.stream({ model, messages: asks("Say hello.") });
  return await runner.finalChatCompletion();
}

async function toolTurns() {
  const messages = asks("What is the weather in Oslo?");
  const seen = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await client.chat.completions.create({ model, messages, tools });
    const [call] = answer.choices[0].message.tool_calls;
    expect(JSON.parse(call.function.arguments).city === "Oslo", answer);
    messages.push(answer.choices[0].message, { role: "tool", tool_call_id: call.id, content: "rain" });
    const final = await client.chat.completions.create({ model, messages, tools });
    expect(final.choices[0].message.content, final);
    seen.push(answer, final);
    messages.push(final.choices[0].message, { role: "user", content: "And what is the weather now?" });
  }
  return seen;
}

async function streamedTool() {
  const request = { model, messages: asks("What is the weather in Oslo?"), tools };
  const runner = client.chat.completions.stream(request);
  const final = await runner.finalChatCompletion();
  expect(final.choices[0].message.tool_calls[0].function.name === "get_weather", final);
  return final;
}

async function schema() {
  const response_format = { type: "json_schema", json_schema: { name: "Ticket", schema: ticket, strict: true } };
  const answer = await client.chat.completions.parse({ model, messages: asks("File a ticket."), response_format });
  expect(answer.choices[0].message.parsed.subject === "printer", answer);
  return answer;
}

async function embeddings() {
  const answer = await client.embeddings.create({ model: "embed", input: ["one", "two"] });
  expect(answer.data.length === 2 && answer.data[0].embedding.length > 0, answer);
  return { order: answer.data.map((one) => one.index), lengths: answer.data.map((one) => one.embedding.length) };
}

async function unknownDeployment() {
  return await client.chat.completions.create({ model: "nobody", messages: asks("Say hello.") });
}

async function wrongKey() {
  const other = new AzureOpenAI({ ...options, apiKey: "not-the-key" });
  return await other.chat.completions.create({ model, messages: asks("Say hello.") });
}

async function retries() {
  const patient = new AzureOpenAI({ ...options, maxRetries: 8 });
  const texts = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const answer = await patient.chat.completions.create({ model, messages: asks("Say hello.") });
    texts.push(answer.choices[0].message.content);
  }
  return texts;
}

const all = [chat, stream, streamHelper, toolTurns, streamedTool, schema, embeddings, unknownDeployment, wrongKey];
await report("openai-node", which === "all" ? all : [retries]);
