// Uses the gateway through the official OpenAI client for Node and prints what it saw as one JSON object.
// Environment: AGENT_URL, AGENT_KEY, LIMITED_KEY, NODE_EXTRA_CA_CERTS.
import OpenAI, { APIError, AuthenticationError, NotFoundError, PermissionDeniedError } from '../node/openai.mjs';

const client = (apiKey) =>
  new OpenAI({ baseURL: `${process.env.AGENT_URL}/v1`, apiKey, maxRetries: 0, timeout: 30000 });
const openai = client(process.env.AGENT_KEY);
const messages = [{ role: 'user', content: 'How is it in Oslo?' }];

async function listModels() {
  const ids = [];
  for await (const model of openai.models.list()) ids.push(model.id);
  return ids;
}

async function chat() {
  const answer = await openai.chat.completions.create({ model: 'assistant', messages });
  return {
    text: answer.choices[0].message.content,
    finish: answer.choices[0].finish_reason,
    total: answer.usage.total_tokens,
    requestId: answer._request_id,
  };
}

async function stream() {
  const events = await openai.chat.completions.create({
    model: 'assistant', messages, stream: true, stream_options: { include_usage: true },
  });
  const seen = { text: '', chunks: 0, ids: new Set(), total: 0, finish: null };
  for await (const chunk of events) {
    seen.chunks += 1;
    seen.ids.add(chunk.id);
    seen.text += chunk.choices[0]?.delta.content ?? '';
    seen.finish = chunk.choices[0]?.finish_reason ?? seen.finish;
    seen.total = chunk.usage?.total_tokens ?? seen.total;
  }
  return { ...seen, ids: seen.ids.size };
}

async function errorOf(apiKey, model, type, streamed = false) {
  try {
    const answer = await client(apiKey).chat.completions.create({ model, messages, stream: streamed });
    if (streamed) for await (const chunk of answer) void chunk;
    return { name: 'no error' };
  } catch (error) {
    return { expected: error instanceof type, name: error.name, status: error.status, code: error.code };
  }
}

async function abort() {
  const events = await openai.chat.completions.create({ model: 'endless', messages, stream: true });
  let chunks = 0;
  for await (const chunk of events) {
    void chunk;
    chunks += 1;
    if (chunks === 5) events.controller.abort();
  }
  return { chunks };
}

console.log(JSON.stringify({
  node: process.version,
  models: await listModels(),
  chat: await chat(),
  stream: await stream(),
  errors: {
    key: await errorOf('agk_wrong', 'assistant', AuthenticationError),
    model: await errorOf(process.env.AGENT_KEY, 'nobody', NotFoundError),
    permission: await errorOf(process.env.LIMITED_KEY, 'forbidden', PermissionDeniedError, true),
    truncated: await errorOf(process.env.AGENT_KEY, 'truncated', APIError, true),
  },
  abort: await abort(),
}));
