// An MCP server over streamable HTTP with sessions, made with the official TypeScript SDK 1.x.
// It serves the handshake revisions only. GET /_calls shows the tool calls that were really executed.
import { randomUUID } from 'node:crypto';

import { McpServer, StreamableHTTPServerTransport, isInitializeRequest, z } from '../../node/mcp_sdk_v1.mjs';
import { MCP_PATH, behaviour, declarations, serve } from './double.mjs';

const MAX_SESSIONS = 1000;
const MAX_BODY = 4 * 1024 * 1024;
const transports = new Map();  // by session id

function makeServer() {
  const server = new McpServer({ name: 'weather-typescript-v1', version: '1.0.0' });
  for (const [name, declaration] of declarations(z)) {
    server.registerTool(name, declaration, (args, extra) =>
      behaviour[name](args, { headers: extra.requestInfo?.headers, signal: extra.signal }));
  }
  return server;
}

async function readJson(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > MAX_BODY) throw new Error('body too large');
    pieces.push(piece);
  }
  return size > 0 ? JSON.parse(Buffer.concat(pieces).toString('utf8')) : undefined;
}

function refuse(response, status, code, message) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

async function openSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => transports.set(id, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  await makeServer().connect(transport);
  return transport;
}

serve(async (request, response) => {
  if (new URL(request.url, 'http://localhost').pathname !== MCP_PATH) {
    refuse(response, 404, -32000, 'no such route');
    return;
  }
  const body = request.method === 'POST' ? await readJson(request) : undefined;
  const id = request.headers['mcp-session-id'];
  let transport = transports.get(id);
  if (!transport && !id && isInitializeRequest(body)) {
    if (transports.size >= MAX_SESSIONS) {
      refuse(response, 503, -32000, 'too many sessions');
      return;
    }
    transport = await openSession();
  }
  if (!transport) {
    refuse(response, id ? 404 : 400, id ? -32001 : -32000, id ? 'session not found' : 'no session id');
    return;
  }
  await transport.handleRequest(request, response, body);
});
