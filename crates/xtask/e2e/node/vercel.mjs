// Programs as applications write them, with the Vercel AI SDK.
//
// Arguments: the endpoint; which programs: `all`, or `retries` for those that have to outlast failures; the deployment.

import { createAzure } from "@ai-sdk/azure";
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { expect, report } from "./programs.mjs";

const [endpoint, which = "all", deployment = "support"] = process.argv.slice(2);
const connect = (apiKey) =>
  createAzure({ baseURL: `${endpoint}/openai`, apiKey, apiVersion: "2024-10-21", useDeploymentBasedUrls: true });
const azure = connect("the-key");
const model = azure.chat(deployment);
const system = "You are terse.";
const maxRetries = 0;
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

async function chat() {
  const answer = await generateText({ model, system, prompt: "Say hello.", maxRetries });
  expect(answer.text && answer.finishReason === "stop", answer.text);
  return seen(answer);
}

async function stream() {
  const errors = [];
  const onError = ({ error }) => errors.push(error);
  const answer = streamText({ model, system, prompt: "Say hello.", maxRetries, onError });
  let text = "";
  for await (const piece of answer.textStream) {
    text += piece;
  }
  expect(text && errors.length === 0, errors.map(String));
  const [finishReason, usage] = await Promise.all([answer.finishReason, answer.usage]);
  return { text, finishReason, usage };
}

async function toolTurns() {
  const request = { model, system, tools: { get_weather: getWeather }, stopWhen: stepCountIs(4), maxRetries };
  const answer = await generateText({ ...request, prompt: "What is the weather in Oslo?" });
  expect(answer.steps.length === 2 && answer.text.includes("rain"), answer.text);
  const messages = [{ role: "user", content: "What is the weather in Oslo?" }, ...answer.response.messages];
  messages.push({ role: "user", content: "And what is the weather now?" });
  const again = await generateText({ ...request, messages });
  const steps = [...answer.steps, ...again.steps];
  return steps.map((step) => ({
    text: step.text,
    finishReason: step.finishReason,
    calls: step.toolCalls.map((call) => [call.toolName, call.input]),
  }));
}

async function streamedTool() {
  const request = { model, system, prompt: "What is the weather in Oslo?", maxRetries };
  const answer = streamText({ ...request, tools: { get_weather: getWeather }, toolChoice: "required" });
  const kinds = [];
  for await (const part of answer.fullStream) {
    if (kinds.at(-1) !== part.type) {
      kinds.push(part.type);
    }
  }
  const calls = await answer.toolCalls;
  expect(calls[0].input.city === "Oslo", calls);
  // How many pieces the arguments come in is the model's affair.
  return { kinds, calls: calls.map((call) => [call.toolName, call.input]), finishReason: await answer.finishReason };
}

async function schema() {
  const ticket = z.object({ subject: z.string(), urgent: z.boolean() });
  const answer = await generateObject({ model, system, prompt: "File a ticket.", schema: ticket, maxRetries });
  return { object: answer.object, finishReason: answer.finishReason, warnings: answer.warnings ?? [] };
}

async function embeddings() {
  const answer = await embedMany({ model: azure.textEmbeddingModel("embed"), values: ["one", "two"], maxRetries });
  expect(answer.embeddings.length === 2, answer.embeddings);
  return { lengths: answer.embeddings.map((embedding) => embedding.length) };
}

async function unknownDeployment() {
  return seen(await generateText({ model: azure.chat("nobody"), system, prompt: "Say hello.", maxRetries }));
}

async function wrongKey() {
  const other = connect("not-the-key").chat(deployment);
  return seen(await generateText({ model: other, system, prompt: "Say hello.", maxRetries }));
}

async function retries() {
  const texts = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const answer = await generateText({ model, system, prompt: "Say hello.", maxRetries: 8 });
    texts.push(answer.text);
  }
  return texts;
}

const all = [chat, stream, toolTurns, streamedTool, schema, embeddings, unknownDeployment, wrongKey];
await report("vercel ai", which === "all" ? all : [retries]);
