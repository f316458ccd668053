// The official Node client. Argument: `chunks`, put together as applications do it, or `helper`, the client's own
// stream(), which does it for them.
import OpenAI from '../../node/openai.mjs';
import { apiKey, baseURL, maxRetries, prompt, timeout, tool, work } from './jobs.mjs';

const completions = new OpenAI({ baseURL, apiKey, maxRetries, timeout }).chat.completions;

// No members of the client's types: whoever wants them reads them so.
const reasoningOf = (message) => message.reasoning_content ?? message.reasoning ?? '';

function seeUsage(usage, seen) {
  if (usage) seen.usage = { prompt: usage.prompt_tokens, completion: usage.completion_tokens };
}

function seeWhole(answer, seen) {
  seeUsage(answer.usage, seen);
  seen.choices = answer.choices.map(({ message, finish_reason }) => {
    const tool_calls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: given } }) => (
      { id, name, arguments: given }
    ));
    return { text: message.content ?? '', reasoning: reasoningOf(message), tool_calls, finish_reason };
  });
}

function addCall(calls, index, id, given) {
  calls[index] ??= { id: null, name: '', arguments: '' };
  calls[index].id = id || calls[index].id;
  calls[index].name += given?.name ?? '';
  calls[index].arguments += given?.arguments ?? '';
}

function seeChunk(chunk, seen) {
  seeUsage(chunk.usage, seen);
  for (const { index, delta, finish_reason } of chunk.choices) {
    const into = (seen.choices[index] ??= { text: '', reasoning: '', tool_calls: [], finish_reason: null });
    into.text += delta.content ?? '';
    into.reasoning += reasoningOf(delta);
    for (const call of delta.tool_calls ?? []) addCall(into.tool_calls, call.index, call.id, call.function);
    into.finish_reason = finish_reason ?? into.finish_reason;
  }
}

async function askHelper(request, seen) {
  const stream = completions.stream(request);
  try {
    seeWhole(await stream.finalChatCompletion(), seen);
  } catch (error) {
    const partial = stream.currentChatCompletionSnapshot;
    if (partial) seeWhole(partial, seen);
    throw error;
  }
}

await work(async (job, seen) => {
  const request = { model: job.model, messages: [{ role: 'user', content: prompt }], tools: job.tools.map(tool) };
  if (!job.stream) return seeWhole(await completions.create(request), seen);
  request.stream_options = { include_usage: true };
  if (process.argv[2] === 'helper') return askHelper(request, seen);
  for await (const chunk of await completions.create({ ...request, stream: true })) seeChunk(chunk, seen);
});
