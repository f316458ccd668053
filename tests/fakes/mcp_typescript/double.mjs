// What both servers share: options, listening, the port file, call records and the tools' behaviour.
import { createServer } from 'node:http';
import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

export const MCP_PATH = '/mcp';
const MAX_RECORDS = 20000;
const SECRET_HEADERS = new Set(['authorization', 'x-api-key', 'cookie']);

const calls = [];
let lastNumber = 0;

// `extra` is what the SDK hands to a tool. The record may be changed afterwards.
function record(tool, args, headers) {
  const visible = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    visible[name.toLowerCase()] = SECRET_HEADERS.has(name.toLowerCase()) ? '(not shown)' : value;
  }
  const call = {
    number: ++lastNumber, time: Date.now() / 1000, tool, arguments: args, headers: visible, status: 'done',
  };
  calls.push(call);
  if (calls.length > MAX_RECORDS) calls.shift();
  return call;
}

const text = (value) => ({ content: [{ type: 'text', text: value }] });

// Waits; true when it was cancelled.
function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(true);
    }, { once: true });
  });
}

// The behaviour of each tool; `context` is {headers, signal}.
export const behaviour = {
  get_weather({ city }, context) {
    record('get_weather', { city }, context.headers);
    return text(`Sunny, 21 °C in ${city}`);
  },
  add({ a, b }, context) {
    record('add', { a, b }, context.headers);
    return { ...text(String(a + b)), structuredContent: { result: a + b } };
  },
  fail(_, context) {
    record('fail', {}, context.headers).status = 'failed';
    return { ...text('the tool failed on purpose'), isError: true };
  },
  async slow({ seconds }, context) {
    const call = record('slow', { seconds }, context.headers);
    call.status = 'open';
    const cancelled = await sleep(seconds * 1000, context.signal);
    call.status = cancelled ? 'cancelled' : 'done';
    return text(`waited ${seconds} s`);
  },
};

// The tools' declarations for zod `z`: [name, {description, inputSchema, outputSchema}].
export function declarations(z) {
  return Object.entries({
    get_weather: {
      description: 'Tells the present weather of a city.',
      inputSchema: z.object({ city: z.string() }),
    },
    add: {
      description: 'Adds two integers.',
      inputSchema: z.object({ a: z.number().int(), b: z.number().int() }),
      outputSchema: z.object({ result: z.number().int() }),
    },
    fail: { description: 'Always fails.', inputSchema: z.object({}) },
    slow: { description: 'Answers after some seconds.', inputSchema: z.object({ seconds: z.number() }) },
  });
}

function answerCalls(request, response) {
  if (request.method === 'DELETE') calls.length = 0;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(request.method === 'DELETE' ? { ok: true } : calls));
}

// Serves /_calls itself and gives everything else to `handle(request, response)`.
export function serve(handle) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '0' }, 'port-file': { type: 'string' } },
  });
  const server = createServer((request, response) => {
    if (request.url === '/_calls') {
      answerCalls(request, response);
      return;
    }
    Promise.resolve(handle(request, response)).catch((error) => {
      console.error('request failed:', error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.listen(Number(values.port), '127.0.0.1', () => {
    const { port } = server.address();
    console.log(`http://127.0.0.1:${port}${MCP_PATH}`);
    if (values['port-file']) {
      writeFileSync(`${values['port-file']}.part`, `${port}\n`);
      renameSync(`${values['port-file']}.part`, values['port-file']);
    }
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
}
