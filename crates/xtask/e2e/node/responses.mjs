// Programs of the Responses API as applications write them, with the official client for Node.
//
// Arguments: the endpoint; which programs: `all`; and the deployment.

import { AzureOpenAI } from "openai";

import { expect, report } from "./programs.mjs";

const [endpoint, , model = "support"] = process.argv.slice(2);
const options = { endpoint, apiKey: "the-key", apiVersion: "2025-04-01-preview", maxRetries: 0, timeout: 120000 };
const client = new AzureOpenAI(options);
const asked = (more) => ({ model, instructions: "You are terse.", store: false, ...more });
const object = (properties) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const getWeather = {
  type: "function",
  name: "get_weather",
  description: "The weather in a city",
  parameters: object({ city: { type: "string" } }),
  strict: true,
};

async function whole() {
  const answer = await client.responses.create(asked({ input: "Say hello." }));
  expect(answer.status === "completed" && answer.output_text, answer);
  return answer;
}

async function stream() {
  const events = [];
  for await (const event of await client.responses.create(asked({ input: "Say hello.", stream: true }))) {
    events.push(event);
  }
  expect(events.at(-1).type === "response.completed", events);
  return events;
}

async function streamHelper() {
  const final = await client.responses.stream(asked({ input: "Say hello." })).finalResponse();
  expect(final.output_text, final);
  return final;
}

async function toolTurns() {
  const input = [{ role: "user", content: "What is the weather in Oslo?" }];
  const seen = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await client.responses.create(asked({ input, tools: [getWeather] }));
    const call = answer.output.find((item) => item.type === "function_call");
    expect(JSON.parse(call.arguments).city === "Oslo", answer);
    input.push(...answer.output, { type: "function_call_output", call_id: call.call_id, output: "rain" });
    const final = await client.responses.create(asked({ input, tools: [getWeather] }));
    expect(final.output_text.includes("rain"), final);
    input.push(...final.output, { role: "user", content: "And what is the weather now?" });
    seen.push(answer, final);
  }
  return seen;
}

async function schema() {
  const format = {
    type: "json_schema",
    name: "Ticket",
    schema: object({ subject: { type: "string" }, urgent: { type: "boolean" } }),
    strict: true,
  };
  const answer = await client.responses.parse(asked({ input: "File a ticket.", text: { format } }));
  expect(answer.output_parsed.subject === "printer", answer);
  return answer;
}

// What is kept is the primary's, whoever answers the rest.
async function kept() {
  const first = await client.responses.create({ model, input: "Say hello." });
  const again = await client.responses.create({ model, input: "And again.", previous_response_id: first.id });
  const found = await client.responses.retrieve(first.id);
  expect(found.id === first.id && again.previous_response_id === first.id, again);
  return [first, again, found];
}

async function unknownDeployment() {
  return await client.responses.create({ model: "nobody", input: "Say hello.", store: false });
}

async function wrongKey() {
  const other = new AzureOpenAI({ ...options, apiKey: "not-the-key" });
  return await other.responses.create(asked({ input: "Say hello." }));
}

await report("openai-node", [whole, stream, streamHelper, toolTurns, schema, kept, unknownDeployment, wrongKey]);
