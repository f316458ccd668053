// Asks for one stream through the official OpenAI client for Node and prints what its caller has of it, as JSON.
// Environment: EDGE_URL, AGENT_KEY, MODEL; NODE_EXTRA_CA_CERTS when the address is https.
import OpenAI, { APIError } from '../node/openai.mjs';

const openai = new OpenAI({ baseURL: `${process.env.EDGE_URL}/v1`, apiKey: process.env.AGENT_KEY, timeout: 20000 });
const seen = { node: process.version, texts: [], protocol: null, end: 'no error', code: null };
try {
  const { data, response } = await openai.chat.completions
    .create({ model: process.env.MODEL, messages: [{ role: 'user', content: 'Hello' }], stream: true })
    .withResponse();
  seen.protocol = response.headers.get('x-protocol');
  for await (const chunk of data) seen.texts.push(chunk.choices[0].delta.content);
} catch (error) {
  // The class itself: a lost connection is an APIConnectionError, which is an APIError too.
  seen.end = error.constructor === APIError ? 'APIError' : `${error.constructor.name}: ${error.message}`;
  seen.code = error.code ?? null;
}
console.log(JSON.stringify(seen));
