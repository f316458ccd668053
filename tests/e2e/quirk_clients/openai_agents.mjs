// An agent of @openai/agents, which talks chat completions and runs its tools.
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '../../node/openai_agents.mjs';
import OpenAI from '../../node/openai.mjs';
import { anyObject, apiKey, baseURL, maxRetries, prompt, timeout, work } from './jobs.mjs';

setTracingDisabled(true);  // traces would go to OpenAI
const openAIClient = new OpenAI({ baseURL, apiKey, maxRetries, timeout });
const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses: false }) });

const toolOf = (name) =>
  tool({ name, description: name, parameters: anyObject, strict: false, execute: async () => 'done' });

const nothing = () => ({ text: '', reasoning: '', tool_calls: [], finish_reason: null });

// What has come before an error.
async function seeStream(result, seen) {
  const choice = nothing();
  for await (const event of result) {
    if (event.type !== 'raw_model_stream_event') continue;
    if (event.data.type === 'response_started') seen.choices = [choice];
    if (event.data.type === 'output_text_delta') choice.text += event.data.delta;
  }
  await result.completed;
}

function seeResponse({ output, rawUsage }, seen) {
  const choice = nothing();
  for (const item of output) {
    if (item.type === 'message') choice.text += item.content.map((part) => part.text ?? '').join('');
    if (item.type === 'reasoning') choice.reasoning += item.rawContent.map((part) => part.text).join('');
    if (item.type === 'function_call') {
      choice.tool_calls.push({ id: item.callId, name: item.name, arguments: item.arguments });
    }
  }
  seen.choices = [choice];
  if (rawUsage) seen.usage = { prompt: rawUsage.prompt_tokens, completion: rawUsage.completion_tokens };
}

await work(async (job, seen) => {
  const agent = new Agent({
    name: 'Agent',
    model: job.model,
    modelSettings: { preserveRawUsage: true },
    tools: job.tools.map(toolOf),
    toolUseBehavior: 'stop_on_first_tool',  // one answer of the model is all there is
  });
  const result = await runner.run(agent, prompt, { stream: job.stream, maxTurns: 1 });
  try {
    if (job.stream) await seeStream(result, seen);
  } finally {
    const response = result.rawResponses.at(-1);
    if (response) seeResponse(response, seen);
  }
});
