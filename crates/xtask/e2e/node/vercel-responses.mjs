// Programs of the Responses API as applications write them, with the Vercel AI SDK.
//
// Arguments: the endpoint; which programs: `all`; and the deployment.

import { createAzure } from "@ai-sdk/azure";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { expect, report } from "./programs.mjs";

const [endpoint, , deployment = "support"] = process.argv.slice(2);
const connect = (apiKey) => createAzure({ baseURL: `${endpoint}/openai/v1`, apiKey }).responses(deployment);
const providerOptions = { azure: { store: false }, openai: { store: false } };
const asked = (more) => ({
  model: connect("the-key"),
  system: "You are terse.",
  maxRetries: 0,
  providerOptions,
  ...more,
});
const getWeather = tool({
  description: "The weather in a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async () => "rain",
});
const seen = (answer) => ({
  text: answer.text,
  finishReason: answer.finishReason,
  usage: answer.usage,
  model: answer.response.modelId,
  id: answer.response.id,
  warnings: answer.warnings ?? [],
});

async function whole() {
  const answer = await generateText(asked({ prompt: "Say hello." }));
  expect(answer.text && answer.finishReason === "stop", answer.text);
  return seen(answer);
}

async function stream() {
  const errors = [];
  const answer = streamText(asked({ prompt: "Say hello.", onError: ({ error }) => errors.push(error) }));
  const kinds = [];
  for await (const part of answer.fullStream) {
    if (kinds.at(-1) !== part.type) {
      kinds.push(part.type);
    }
  }
  const [text, finishReason, usage] = await Promise.all([answer.text, answer.finishReason, answer.usage]);
  expect(text && errors.length === 0, errors.map(String));
  return { kinds, text, finishReason, usage };
}

async function toolTurns() {
  const request = asked({ tools: { get_weather: getWeather }, stopWhen: stepCountIs(4) });
  const answer = await generateText({ ...request, prompt: "What is the weather in Oslo?" });
  expect(answer.steps.length === 2 && answer.text.includes("rain"), answer.text);
  const messages = [{ role: "user", content: "What is the weather in Oslo?" }, ...answer.response.messages];
  messages.push({ role: "user", content: "And what is the weather now?" });
  const again = await generateText({ ...request, messages });
  expect(again.text.includes("rain"), again.text);
  const steps = [...answer.steps, ...again.steps];
  return steps.map((step) => ({
    text: step.text,
    finishReason: step.finishReason,
    calls: step.toolCalls.map((call) => [call.toolName, call.input]),
  }));
}

async function schema() {
  const ticket = z.object({ subject: z.string(), urgent: z.boolean() });
  const answer = await generateObject(asked({ prompt: "File a ticket.", schema: ticket }));
  return { object: answer.object, finishReason: answer.finishReason, warnings: answer.warnings ?? [] };
}

async function wrongKey() {
  return seen(await generateText(asked({ model: connect("not-the-key"), prompt: "Say hello." })));
}

await report("vercel ai", [whole, stream, toolTurns, schema, wrongKey]);
