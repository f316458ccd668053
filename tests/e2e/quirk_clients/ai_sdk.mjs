// The AI SDK with its provider for OpenAI-compatible servers. Tools have no code: their calls are the answer.
import { createOpenAICompatible, generateText, jsonSchema, streamText, tool } from '../../node/ai.mjs';
import { anyObject, apiKey, baseURL, maxRetries, prompt, work } from './jobs.mjs';

const provider = createOpenAICompatible({ name: 'gateway', baseURL, apiKey, includeUsage: true });
// Its own words for OpenAI's.
const finishReasons = { 'tool-calls': 'tool_calls', 'content-filter': 'content_filter' };

const callSeen = ({ toolCallId, toolName, input }) => ({ id: toolCallId, name: toolName, arguments: input });

function seeEnd({ finishReason }, usage, choice, seen) {
  choice.finish_reason = finishReasons[finishReason] ?? finishReason;
  if (usage.inputTokens !== undefined) seen.usage = { prompt: usage.inputTokens, completion: usage.outputTokens };
}

async function askStream(options, choice, seen) {
  seen.choices.push(choice);
  // An error is a part of the stream; onError would only print it.
  const { fullStream } = streamText({ ...options, onError() {} });
  for await (const part of fullStream) {
    if (part.type === 'text-delta') choice.text += part.text;
    else if (part.type === 'reasoning-delta') choice.reasoning += part.text;
    else if (part.type === 'tool-call') choice.tool_calls.push(callSeen(part));
    else if (part.type === 'finish-step') seeEnd(part, part.usage, choice, seen);
    else if (part.type === 'error') throw part.error;
  }
}

await work(async (job, seen) => {
  const options = {
    model: provider(job.model),
    prompt,
    maxRetries,
    tools: Object.fromEntries(job.tools.map((name) => [name, tool({ inputSchema: jsonSchema(anyObject) })])),
  };
  const choice = { text: '', reasoning: '', tool_calls: [], finish_reason: null };
  if (job.stream) return askStream(options, choice, seen);
  const answer = await generateText(options);
  choice.text = answer.text;
  choice.reasoning = answer.reasoningText ?? '';
  choice.tool_calls = answer.toolCalls.map(callSeen);
  seen.choices.push(choice);
  seeEnd(answer, answer.usage, choice, seen);
});
