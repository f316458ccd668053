// What the Node clients of this folder share: jobs come as JSON lines, what was seen of each goes out as one.
// A job is {name, model, stream, tools}; judge.py says what is seen.
// Environment: AGENT_URL, AGENT_KEY, NODE_EXTRA_CA_CERTS; CLIENT_RETRIES=default leaves the client its retries.
import { createInterface } from 'node:readline';

export const baseURL = `${process.env.AGENT_URL}/v1`;
export const apiKey = process.env.AGENT_KEY;
export const timeout = 30000;
// A second try at a broken answer would see the same, a second later.
export const maxRetries = process.env.CLIENT_RETRIES === 'default' ? undefined : 0;
export const prompt = 'Hello';
export const anyObject = { type: 'object', properties: {}, additionalProperties: true };

export const tool = (name) => ({ type: 'function', function: { name, description: name, parameters: anyObject } });

// Anything may be thrown, and the AI SDK hands on what stood in the stream.
const errorSeen = (error) => ({
  status: error?.status ?? error?.statusCode ?? null,
  code: error?.code ?? error?.data?.error?.code ?? null,
  message: `${error?.name ?? typeof error}: ${error?.message ?? JSON.stringify(error)}`,
});

// `ask` takes a job and writes what it sees into the second, as far as it comes.
export async function work(ask) {
  for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    const seen = { name: job.name, choices: [], usage: null, error: null };
    try {
      await ask(job, seen);
    } catch (error) {
      seen.error = errorSeen(error);
    }
    process.stdout.write(`${JSON.stringify(seen)}\n`);
  }
}
